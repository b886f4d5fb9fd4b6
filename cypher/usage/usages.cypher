UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
RETURN u.uid AS uid, u.tenant AS tenant, u.operation_id AS operation_id, u.agent_id AS agent_id,
  u.agent_uid AS agent_uid, u.capability_type AS capability_type, u.model_id AS model_id,
  u.provider AS provider, u.timestamp_us AS timestamp_us, u.recorded_at_us AS recorded_at_us,
  u.prompt_tokens AS prompt_tokens, u.completion_tokens AS completion_tokens, u.total_tokens AS total_tokens,
  u.cache_read_tokens AS cache_read_tokens, u.cache_write_tokens AS cache_write_tokens,
  u.cache_write_1h_tokens AS cache_write_1h_tokens, u.reasoning_tokens AS reasoning_tokens,
  u.audio_input_tokens AS audio_input_tokens, u.audio_output_tokens AS audio_output_tokens,
  u.audio_cache_read_tokens AS audio_cache_read_tokens,
  u.image_input_tokens AS image_input_tokens, u.image_output_tokens AS image_output_tokens,
  u.video_input_tokens AS video_input_tokens, u.video_output_tokens AS video_output_tokens,
  u.web_searches AS web_searches, u.pages AS pages, u.milliseconds AS milliseconds,
  u.characters AS characters, u.requests AS requests, u.mode AS mode, u.unit AS unit,
  u.quantity_nano AS quantity_nano,
  u.user_id AS user_id, u.session_id AS session_id, u.region AS region, u.category AS category,
  u.outcome AS outcome, u.tags AS tags, u.usage_reported AS usage_reported,
  u.parent_operation_id AS parent_operation_id, u.budget_id AS budget_id, u.resource_type AS resource_type,
  u.pricing AS pricing, u.unpriced_reason AS unpriced_reason
