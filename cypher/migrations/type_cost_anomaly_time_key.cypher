CREATE CONSTRAINT type_cost_anomaly_time_key IF NOT EXISTS
FOR (n:CostAnomaly) REQUIRE n.time_key IS :: STRING
