CREATE CONSTRAINT type_price_source_due_key IF NOT EXISTS
FOR (n:PriceSource) REQUIRE n.due_key IS :: STRING
