CREATE INDEX index_cost_anomaly_by_time_key IF NOT EXISTS
FOR (n:CostAnomaly) ON (n.time_key)
