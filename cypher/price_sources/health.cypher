MATCH (s:PriceSource)
RETURN count(s) AS sources, sum(CASE WHEN s.failures > 0 THEN 1 ELSE 0 END) AS failing,
  sum(COUNT { (s)-[:HOLDS_BACK]->(h:HeldPrice) WHERE h.state = 'HELD' }) AS waiting
