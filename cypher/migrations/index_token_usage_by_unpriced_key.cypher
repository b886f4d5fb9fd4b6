CREATE INDEX index_token_usage_by_unpriced_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.unpriced_key)
