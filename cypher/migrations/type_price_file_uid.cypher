CREATE CONSTRAINT type_price_file_uid IF NOT EXISTS
FOR (n:PriceFile) REQUIRE n.uid IS :: STRING
