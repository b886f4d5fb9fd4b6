MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(e:CostEntry)
WHERE e.charged_at_us >= $start_us AND e.charged_at_us < $end_us AND e.seq <= $seq
RETURN coalesce(sum(e.total_cost_nano), 0) AS cost_nano,
  coalesce(sum(e.prompt_tokens + e.completion_tokens), 0) AS tokens, coalesce(sum(e.operations), 0) AS requests
