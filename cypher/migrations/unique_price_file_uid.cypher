CREATE CONSTRAINT unique_price_file_uid IF NOT EXISTS
FOR (n:PriceFile) REQUIRE n.uid IS UNIQUE
