MATCH (u:TokenUsage)
WHERE u.unpriced_key >= $from_key AND u.unpriced_key < $to_key
RETURN u.unpriced_key AS key
ORDER BY u.unpriced_key DESC
SKIP $passed
LIMIT 1
