UNWIND $rows AS row
MATCH (p:TokenUsage {uid: row.uid})
MATCH (c:TokenUsage {awaits_uid: row.uid})
CREATE (p)-[:DELEGATED]->(c)
SET c.awaits_uid = null
