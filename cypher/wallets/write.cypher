UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})
CREATE (b)-[:TOPPED_UP]->(t:TopUp {uid: row.uid})
SET t += row.properties
