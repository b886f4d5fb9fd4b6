MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(e:CostEntry)
WHERE e.charged_at_us >= $start_us AND e.charged_at_us < $end_us AND coalesce(e.price_source, '') <> 'agreement'
RETURN coalesce(sum(coalesce(e.list_cost_nano, e.total_cost_nano)), 0) AS list_nano,
  coalesce(sum(e.total_cost_nano), 0) AS contracted_nano,
  coalesce(sum(e.prompt_tokens + e.completion_tokens), 0) AS tokens
