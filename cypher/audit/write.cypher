UNWIND $rows AS row
CREATE (a:AuditEntry {uid: row.uid})
SET a += row.properties
