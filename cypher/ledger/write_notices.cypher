UNWIND $rows AS row
MATCH (b:Budget {uid: row.uid})
MERGE (n:Notice {uid: row.uid})
SET n += row.properties
MERGE (b)-[:TOLD]->(n)
