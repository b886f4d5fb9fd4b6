CREATE INDEX index_token_usage_by_awaits_uid IF NOT EXISTS
FOR (n:TokenUsage) ON (n.awaits_uid)
