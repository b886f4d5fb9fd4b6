CREATE INDEX index_rate_card_by_version_key IF NOT EXISTS
FOR (n:RateCard) ON (n.version_key)
