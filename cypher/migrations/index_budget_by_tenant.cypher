CREATE INDEX index_budget_by_tenant IF NOT EXISTS
FOR (n:Budget) ON (n.tenant)
