CREATE CONSTRAINT type_token_usage_awaiting_key IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.awaiting_key IS :: STRING
