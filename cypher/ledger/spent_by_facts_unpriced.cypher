MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(u:TokenUsage)
WHERE coalesce(u.charged_at_us, u.timestamp_us) >= $start_us AND coalesce(u.charged_at_us, u.timestamp_us) < $end_us
RETURN u.user_id AS user_id, u.agent_id AS agent_id, u.provider AS provider, u.model_id AS model_id,
  u.category AS category, u.total_tokens > 0 AS has_tokens, 0 AS cost_nano,
  sum(coalesce(u.first_prompt_tokens, u.prompt_tokens) + coalesce(u.first_completion_tokens, u.completion_tokens)) AS tokens,
  count(u) AS requests
