CREATE CONSTRAINT unique_price_source_uid IF NOT EXISTS
FOR (n:PriceSource) REQUIRE n.uid IS UNIQUE
