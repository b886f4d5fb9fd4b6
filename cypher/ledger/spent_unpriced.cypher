MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(u:TokenUsage)
WHERE coalesce(u.charged_at_us, u.timestamp_us) >= $start_us AND coalesce(u.charged_at_us, u.timestamp_us) < $end_us
RETURN coalesce(sum(coalesce(u.first_prompt_tokens, u.prompt_tokens)
    + coalesce(u.first_completion_tokens, u.completion_tokens)), 0) AS tokens, count(u) AS requests
