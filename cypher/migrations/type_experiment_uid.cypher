CREATE CONSTRAINT type_experiment_uid IF NOT EXISTS
FOR (n:Experiment) REQUIRE n.uid IS :: STRING
