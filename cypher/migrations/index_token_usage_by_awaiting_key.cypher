CREATE INDEX index_token_usage_by_awaiting_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.awaiting_key)
