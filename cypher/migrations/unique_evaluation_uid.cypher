CREATE CONSTRAINT unique_evaluation_uid IF NOT EXISTS
FOR (n:Evaluation) REQUIRE n.uid IS UNIQUE
