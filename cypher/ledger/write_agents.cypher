UNWIND $rows AS row
MERGE (a:Agent {uid: row.uid})
SET a += row.properties
