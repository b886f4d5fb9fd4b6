MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(:ChargePath)<-[:CHARGED_TO]-(u:TokenUsage)
WHERE u.timestamp_us >= $start_us AND u.timestamp_us < $end_us AND u.unpriced_seq <= $seq
RETURN coalesce(sum(u.total_tokens), 0) AS tokens, count(u) AS requests
