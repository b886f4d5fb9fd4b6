CREATE INDEX index_api_key_by_hash IF NOT EXISTS
FOR (n:ApiKey) ON (n.hash)
