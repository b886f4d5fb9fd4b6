CREATE CONSTRAINT type_token_usage_awaits_uid IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.awaits_uid IS :: STRING
