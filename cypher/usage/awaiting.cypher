MATCH (u:TokenUsage)
WHERE u.awaiting_key > $after AND u.awaiting_key < $before
RETURN u.awaiting_key AS key, u.uid AS uid
ORDER BY u.awaiting_key LIMIT $limit
