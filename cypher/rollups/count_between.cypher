MATCH (u:TokenUsage)
WHERE u.time_key >= $begin AND u.time_key < $end
RETURN count(u) AS usages
