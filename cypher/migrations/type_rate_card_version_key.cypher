CREATE CONSTRAINT type_rate_card_version_key IF NOT EXISTS
FOR (n:RateCard) REQUIRE n.version_key IS :: STRING
