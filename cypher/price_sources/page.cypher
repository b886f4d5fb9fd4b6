MATCH (s:PriceSource)
WHERE s.uid > $after_uid AND s.uid < $before_uid
RETURN properties(s) AS source,
  COUNT { (s)-[:HOLDS_BACK]->(h:HeldPrice) WHERE h.state = 'HELD' } AS waiting
ORDER BY s.uid
LIMIT $first
