CREATE CONSTRAINT type_token_usage_path_key IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.path_key IS :: STRING
