MATCH (u:TokenUsage {session_uid: $session_uid})
WHERE u.timestamp_us >= $from_us
  AND (u.timestamp_us < $to_us OR (u.timestamp_us = $to_us AND u.operation_id < $before_operation_id))
RETURN u.time_key AS key, u.uid AS uid, u.charge_path AS charge_path,
  coalesce(($agent_uid IS NULL OR u.agent_uid = $agent_uid) AND ($pricing IS NULL OR u.pricing = $pricing)
    AND ($model_id IS NULL OR u.model_id = $model_id) AND ($user_id IS NULL OR u.user_id = $user_id), false) AS fits
ORDER BY u.time_key DESC
LIMIT $examined
