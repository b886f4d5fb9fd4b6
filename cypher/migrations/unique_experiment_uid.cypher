CREATE CONSTRAINT unique_experiment_uid IF NOT EXISTS
FOR (n:Experiment) REQUIRE n.uid IS UNIQUE
