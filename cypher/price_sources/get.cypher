MATCH (s:PriceSource {uid: $uid})
RETURN properties(s) AS source,
  COUNT { (s)-[:HOLDS_BACK]->(h:HeldPrice) WHERE h.state = 'HELD' } AS waiting
