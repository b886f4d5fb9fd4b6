CREATE INDEX index_token_usage_by_session_uid IF NOT EXISTS
FOR (n:TokenUsage) ON (n.session_uid)
