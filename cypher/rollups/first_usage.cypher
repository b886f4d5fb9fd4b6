MATCH (u:TokenUsage)
WHERE u.time_key >= $begin AND u.time_key < $end
RETURN u.timestamp_us AS at_us ORDER BY u.time_key LIMIT 1
