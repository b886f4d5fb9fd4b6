MATCH (u:TokenUsage)
WHERE u.awaits_uid > $after AND u.awaits_uid < $before
RETURN count(u) AS waiting
