CREATE INDEX index_cells_by_tenant_and_day IF NOT EXISTS
FOR (n:Cells) ON (n.tenant, n.day)
