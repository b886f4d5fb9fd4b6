MATCH (u:TokenUsage)
WHERE u.agent_key >= $from_key AND u.agent_key < $to_key
WITH u LIMIT $most
RETURN collect(u.uid) AS uid, collect(coalesce(u.parent_operation_id, '')) AS parent_id
