CREATE CONSTRAINT type_override_open_key IF NOT EXISTS
FOR (n:Override) REQUIRE n.open_key IS :: STRING
