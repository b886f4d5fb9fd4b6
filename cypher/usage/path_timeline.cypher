MATCH (u:TokenUsage)
WHERE u.path_key >= $from_key AND u.path_key < $to_key
  AND ($agent_uid IS NULL OR u.agent_uid = $agent_uid) AND ($paths IS NULL OR u.charge_path IN $paths)
  AND ($pricing IS NULL OR u.pricing = $pricing) AND ($model_id IS NULL OR u.model_id = $model_id)
  AND ($provider IS NULL OR u.provider = $provider)
  AND ($user_id IS NULL OR u.user_id = $user_id)
  AND ($from_us IS NULL OR u.timestamp_us >= $from_us) AND ($to_us IS NULL OR u.timestamp_us < $to_us)
RETURN u.path_key AS key, u.uid AS uid
ORDER BY u.path_key DESC
LIMIT $first
