UNWIND $uids AS uid
MATCH (top:TokenUsage {uid: uid})-[:DELEGATED*0..]->(u:TokenUsage)
WITH DISTINCT u LIMIT $most
RETURN collect(u.uid) AS uid, collect(coalesce(u.parent_operation_id, '')) AS parent_id,
  collect(u.operation_id) AS operation_id, collect(u.agent_id) AS agent_id,
  collect(coalesce(u.session_id, '')) AS session_id, collect(u.budget_id) AS budget_id,
  collect(u.outcome) AS outcome, collect(u.pricing) AS pricing, collect(u.timestamp_us) AS timestamp_us,
  collect(u.prompt_tokens) AS prompt_tokens, collect(u.completion_tokens) AS completion_tokens
