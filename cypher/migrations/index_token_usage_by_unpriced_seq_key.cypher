CREATE INDEX index_token_usage_by_unpriced_seq_key IF NOT EXISTS
FOR (n:TokenUsage) ON (n.unpriced_seq_key)
