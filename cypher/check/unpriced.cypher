MATCH (u:TokenUsage)
WHERE u.unpriced_key > $after AND u.unpriced_key < $before
RETURN u.unpriced_key AS uid, u.unpriced_seq AS seq, u.charge_path AS charge_path,
  coalesce(u.charged_at_us, u.timestamp_us) AS charged_at_us,
  coalesce(u.first_prompt_tokens, u.prompt_tokens) + coalesce(u.first_completion_tokens, u.completion_tokens) AS tokens,
  u.forced_windows AS forced_windows, u.forced_amounts AS forced_amounts
ORDER BY u.unpriced_key LIMIT $limit
