MERGE (s:PriceSource {uid: $uid})
SET s += $properties
RETURN properties(s) AS source
