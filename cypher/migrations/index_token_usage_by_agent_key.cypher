CREATE INDEX index_token_usage_by_agent_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.agent_key)
