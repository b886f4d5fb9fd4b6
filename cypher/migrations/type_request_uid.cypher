CREATE CONSTRAINT type_request_uid IF NOT EXISTS
FOR (n:Request) REQUIRE n.uid IS :: STRING
