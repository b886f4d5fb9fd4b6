MATCH (e:CostEntry)
WHERE e.uid > $after AND e.uid <= $through
MATCH (u:TokenUsage)-[:INCURRED]->(e)
RETURN collect(e.seq) AS seq, collect(u.timestamp_us) AS at_us, collect(e.charge_path) AS path,
  collect(u.agent_id) AS agent, collect(coalesce(u.model_id, '')) AS model,
  collect(coalesce(u.provider, '')) AS provider, collect(u.capability_type) AS capability,
  collect(coalesce(u.user_id, '')) AS user, collect(u.category) AS category, collect(u.outcome) AS outcome,
  collect(u.resource_type) AS resource_type, collect(e.operations) AS operations,
  collect(e.prompt_tokens) AS prompt_tokens, collect(e.completion_tokens) AS completion_tokens,
  collect(e.prompt_cost_nano) AS prompt_cost_nano, collect(e.completion_cost_nano) AS completion_cost_nano,
  collect(e.other_cost_nano) AS other_cost_nano, collect(coalesce(e.units_nano, 0)) AS units_nano
