CREATE CONSTRAINT type_override_uid IF NOT EXISTS
FOR (n:Override) REQUIRE n.uid IS :: STRING
