MATCH (s:PriceSource {uid: $uid})
OPTIONAL MATCH (s)-[:HOLDS_BACK]->(h:HeldPrice)
DETACH DELETE s, h
