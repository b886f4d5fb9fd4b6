CREATE INDEX index_cost_entry_by_tenant_and_seq IF NOT EXISTS
FOR (n:CostEntry) ON (n.tenant, n.seq)
