CREATE INDEX index_charge_path_by_tenant IF NOT EXISTS
FOR (n:ChargePath) ON (n.tenant)
