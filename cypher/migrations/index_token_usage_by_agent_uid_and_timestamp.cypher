CREATE INDEX index_token_usage_by_agent_uid_and_timestamp IF NOT EXISTS
FOR (n:TokenUsage) ON (n.agent_uid, n.timestamp_us)
