MATCH (u:TokenUsage)
WHERE u.time_key >= $begin AND u.time_key < $end AND u.unpriced_seq <= $through_seq
RETURN collect(u.unpriced_seq) AS seq, collect(u.timestamp_us) AS at_us, collect(u.charge_path) AS path,
  collect(u.agent_id) AS agent, collect(coalesce(u.model_id, '')) AS model,
  collect(coalesce(u.provider, '')) AS provider, collect(u.capability_type) AS capability,
  collect(coalesce(u.user_id, '')) AS user, collect(u.category) AS category, collect(u.outcome) AS outcome,
  collect(u.resource_type) AS resource_type, collect(1) AS operations,
  collect(coalesce(u.first_prompt_tokens, u.prompt_tokens)) AS prompt_tokens,
  collect(coalesce(u.first_completion_tokens, u.completion_tokens)) AS completion_tokens,
  collect(0) AS prompt_cost_nano, collect(0) AS completion_cost_nano,
  collect(0) AS other_cost_nano, collect(coalesce(u.units_nano, 0)) AS units_nano
