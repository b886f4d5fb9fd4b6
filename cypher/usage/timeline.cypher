MATCH (u:TokenUsage)
WHERE u.time_key >= $from_key AND u.time_key < $to_key
RETURN u.time_key AS key, u.uid AS uid, u.charge_path AS charge_path,
  coalesce(($agent_uid IS NULL OR u.agent_uid = $agent_uid) AND ($pricing IS NULL OR u.pricing = $pricing)
    AND ($model_id IS NULL OR u.model_id = $model_id) AND ($user_id IS NULL OR u.user_id = $user_id)
    AND u.timestamp_us >= $from_us AND u.timestamp_us < $to_us, false) AS fits
ORDER BY u.time_key DESC
LIMIT $examined
