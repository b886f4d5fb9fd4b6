CREATE CONSTRAINT type_agreement_version_key IF NOT EXISTS
FOR (n:Agreement) REQUIRE n.version_key IS :: STRING
