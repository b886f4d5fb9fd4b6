CREATE CONSTRAINT type_price_source_uid IF NOT EXISTS
FOR (n:PriceSource) REQUIRE n.uid IS :: STRING
