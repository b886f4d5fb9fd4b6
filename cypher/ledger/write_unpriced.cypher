UNWIND $rows AS row
MATCH (a:Agent {uid: row.agent_uid})
CREATE (a)-[:CONSUMED]->(u:TokenUsage {uid: row.uid})
SET u += row.usage
