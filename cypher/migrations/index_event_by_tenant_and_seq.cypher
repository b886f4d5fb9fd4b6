CREATE INDEX index_event_by_tenant_and_seq IF NOT EXISTS
FOR (n:Event) ON (n.tenant, n.seq)
