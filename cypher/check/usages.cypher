MATCH (u:TokenUsage)
WHERE u.time_key > $after AND u.time_key < $before
RETURN u.time_key AS key, u.uid AS uid
ORDER BY u.time_key LIMIT $limit
