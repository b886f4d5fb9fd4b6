CREATE CONSTRAINT type_price_file_version_key IF NOT EXISTS
FOR (n:PriceFile) REQUIRE n.version_key IS :: STRING
