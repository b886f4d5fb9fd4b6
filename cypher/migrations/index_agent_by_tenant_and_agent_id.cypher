CREATE INDEX index_agent_by_tenant_and_agent_id IF NOT EXISTS
FOR (n:Agent) ON (n.tenant, n.agent_id)
