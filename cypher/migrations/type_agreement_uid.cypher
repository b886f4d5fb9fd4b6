CREATE CONSTRAINT type_agreement_uid IF NOT EXISTS
FOR (n:Agreement) REQUIRE n.uid IS :: STRING
