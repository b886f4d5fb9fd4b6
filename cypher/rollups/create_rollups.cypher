UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})
CREATE (b)-[:ROLLED_UP]->(r:Rollup {uid: row.uid})
SET r += row.properties
