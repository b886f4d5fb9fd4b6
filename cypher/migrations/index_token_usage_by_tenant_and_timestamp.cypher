CREATE INDEX index_token_usage_by_tenant_and_timestamp IF NOT EXISTS
FOR (n:TokenUsage) ON (n.tenant, n.timestamp_us)
