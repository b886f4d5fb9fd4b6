MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(e:CostEntry)<-[:INCURRED]-(u:TokenUsage)
WHERE e.charged_at_us >= $start_us AND e.charged_at_us < $end_us
RETURN u.user_id AS user_id, u.agent_id AS agent_id, u.provider AS provider, u.model_id AS model_id,
  u.category AS category, u.total_tokens > 0 AS has_tokens, sum(e.total_cost_nano) AS cost_nano,
  sum(e.prompt_tokens + e.completion_tokens) AS tokens, sum(e.operations) AS requests
