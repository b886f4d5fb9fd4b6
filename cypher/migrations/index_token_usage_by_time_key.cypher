CREATE INDEX index_token_usage_by_time_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.time_key)
