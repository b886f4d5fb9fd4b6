CREATE INDEX index_rate_sheet_by_version_key IF NOT EXISTS
FOR (n:RateSheet) ON (n.version_key)
