MATCH (u:TokenUsage)
WHERE u.unpriced_key > $after AND u.unpriced_key < $before
RETURN u.unpriced_key AS uid, u.charge_path AS charge_path, u.timestamp_us AS charged_at_us, u.total_tokens AS tokens
ORDER BY u.unpriced_key LIMIT $limit
