CREATE CONSTRAINT unique_audit_entry_uid IF NOT EXISTS
FOR (n:AuditEntry) REQUIRE n.uid IS UNIQUE
