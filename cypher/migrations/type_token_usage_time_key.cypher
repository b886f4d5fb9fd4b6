CREATE CONSTRAINT type_token_usage_time_key IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.time_key IS :: STRING
