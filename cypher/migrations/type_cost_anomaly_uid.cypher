CREATE CONSTRAINT type_cost_anomaly_uid IF NOT EXISTS
FOR (n:CostAnomaly) REQUIRE n.uid IS :: STRING
