UNWIND $rows AS row
MATCH (a:Agent {uid: row.agent_uid})
MATCH (p:ChargePath {uid: row.path_uid})
CREATE (a)-[:CONSUMED]->(u:TokenUsage {uid: row.uid})-[:CHARGED_TO]->(p)
SET u += row.usage
