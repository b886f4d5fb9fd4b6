CREATE CONSTRAINT type_resource_uid IF NOT EXISTS
FOR (n:Resource) REQUIRE n.uid IS :: STRING
