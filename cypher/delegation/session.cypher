MATCH (u:TokenUsage {session_uid: $session_uid})
WITH u LIMIT $most
RETURN collect(u.uid) AS uid, collect(coalesce(u.parent_operation_id, '')) AS parent_id
