UNWIND $rows AS row
MERGE (b:Budget {uid: row.uid})
SET b = row.properties
