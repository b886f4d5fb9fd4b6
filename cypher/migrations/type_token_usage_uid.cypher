CREATE CONSTRAINT type_token_usage_uid IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.uid IS :: STRING
