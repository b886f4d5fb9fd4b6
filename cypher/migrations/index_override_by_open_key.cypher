CREATE INDEX index_override_by_open_key IF NOT EXISTS
FOR (n:Override) ON (n.open_key)
