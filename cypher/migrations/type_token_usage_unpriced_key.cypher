CREATE CONSTRAINT type_token_usage_unpriced_key IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.unpriced_key IS :: STRING
