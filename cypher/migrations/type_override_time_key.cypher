CREATE CONSTRAINT type_override_time_key IF NOT EXISTS
FOR (n:Override) REQUIRE n.time_key IS :: STRING
