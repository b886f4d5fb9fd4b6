MATCH (u:TokenUsage)
WHERE u.agent_key >= $from_key AND u.agent_key < $to_key
RETURN u.agent_key AS key
ORDER BY u.agent_key DESC
SKIP $passed
LIMIT 1
