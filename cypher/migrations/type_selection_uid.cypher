CREATE CONSTRAINT type_selection_uid IF NOT EXISTS
FOR (n:Selection) REQUIRE n.uid IS :: STRING
