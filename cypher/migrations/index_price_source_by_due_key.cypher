CREATE INDEX index_price_source_by_due_key IF NOT EXISTS
FOR (n:PriceSource) ON (n.due_key)
