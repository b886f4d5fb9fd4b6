CREATE INDEX index_token_usage_by_charge_path_and_timestamp IF NOT EXISTS
FOR (n:TokenUsage) ON (n.charge_path, n.timestamp_us)
