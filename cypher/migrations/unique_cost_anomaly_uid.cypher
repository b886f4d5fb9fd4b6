CREATE CONSTRAINT unique_cost_anomaly_uid IF NOT EXISTS
FOR (n:CostAnomaly) REQUIRE n.uid IS UNIQUE
