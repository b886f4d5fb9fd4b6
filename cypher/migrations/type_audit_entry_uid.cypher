CREATE CONSTRAINT type_audit_entry_uid IF NOT EXISTS
FOR (n:AuditEntry) REQUIRE n.uid IS :: STRING
