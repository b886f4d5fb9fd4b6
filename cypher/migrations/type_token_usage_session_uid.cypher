CREATE CONSTRAINT type_token_usage_session_uid IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.session_uid IS :: STRING
