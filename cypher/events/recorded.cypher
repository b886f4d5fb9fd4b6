MATCH (e:CostEntry)
WHERE e.uid > $after AND e.uid <= $through
MATCH (u:TokenUsage)-[:INCURRED]->(e)
RETURN collect(e.seq) AS seq, collect(e.recorded_at_us) AS at_us, collect(e.kind) AS kind,
  collect(e.total_cost_nano) AS total_cost_nano, collect(e.currency) AS currency,
  collect(u.operation_id) AS operation_id, collect(u.agent_id) AS agent_id, collect(u.budget_id) AS budget_id,
  collect(u.timestamp_us) AS used_at_us, collect(coalesce(u.model_id, '')) AS model_id,
  collect(coalesce(u.session_id, '')) AS session_id
