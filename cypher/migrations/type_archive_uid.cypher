CREATE CONSTRAINT type_archive_uid IF NOT EXISTS
FOR (n:Archive) REQUIRE n.uid IS :: STRING
