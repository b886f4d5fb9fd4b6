UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})
MERGE (l:Limit {uid: row.uid})
SET l += row.properties
MERGE (b)-[:LIMITED_BY]->(l)
