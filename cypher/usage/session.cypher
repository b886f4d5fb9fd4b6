MATCH (u:TokenUsage {session_uid: $session_uid})
WHERE u.archived IS NULL AND ($agent_uid IS NULL OR u.agent_uid = $agent_uid) AND ($paths IS NULL OR u.charge_path IN $paths)
  AND ($pricing IS NULL OR u.pricing = $pricing) AND ($model_id IS NULL OR u.model_id = $model_id)
  AND ($provider IS NULL OR u.provider = $provider)
  AND ($user_id IS NULL OR u.user_id = $user_id) AND ($from_us IS NULL OR u.timestamp_us >= $from_us)
  AND ($to_us IS NULL OR u.timestamp_us < $to_us)
  AND ($before_us IS NULL OR u.timestamp_us < $before_us
    OR (u.timestamp_us = $before_us AND u.operation_id < $before_operation_id))
RETURN u.time_key AS key, u.uid AS uid
ORDER BY u.time_key DESC
LIMIT $first
