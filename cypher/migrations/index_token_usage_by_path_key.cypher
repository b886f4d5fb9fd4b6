CREATE INDEX index_token_usage_by_path_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.path_key)
