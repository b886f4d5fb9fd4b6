CREATE INDEX index_price_file_by_version_key IF NOT EXISTS
FOR (n:PriceFile) ON (n.version_key)
