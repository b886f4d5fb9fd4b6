UNWIND $rows AS row
MERGE (a:Archive {uid: row.uid})
ON CREATE SET a += row.properties
SET a.operations = coalesce(a.operations, 0) + row.operations
