CREATE CONSTRAINT unique_retention_uid IF NOT EXISTS
FOR (n:Retention) REQUIRE n.uid IS UNIQUE
