CREATE CONSTRAINT type_token_usage_agent_key IF NOT EXISTS
FOR (n:TokenUsage) REQUIRE n.agent_key IS :: STRING
