MATCH (u:TokenUsage)
WHERE u.path_key >= $from_key AND u.path_key < $to_key
RETURN u.path_key AS key
ORDER BY u.path_key DESC
SKIP $passed
LIMIT 1
