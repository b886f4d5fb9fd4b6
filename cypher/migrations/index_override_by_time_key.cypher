CREATE INDEX index_override_by_time_key IF NOT EXISTS
FOR (n:Override) ON (n.time_key)
