CREATE CONSTRAINT unique_selection_uid IF NOT EXISTS
FOR (n:Selection) REQUIRE n.uid IS UNIQUE
