MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(p:ChargePath)
MATCH (u:TokenUsage {charge_path: p.uid})
WHERE u.unpriced_seq > 0 AND u.timestamp_us >= $start_us AND u.timestamp_us < $end_us
RETURN coalesce(sum(u.total_tokens), 0) AS tokens, count(u) AS requests
