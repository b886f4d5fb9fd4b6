MATCH (u:TokenUsage)
WHERE u.time_key >= $from_key AND u.time_key < $to_key
RETURN u.time_key AS key
ORDER BY u.time_key DESC
SKIP $passed
LIMIT 1
