MATCH (v:Evaluation)
WHERE v.uid > $after_uid AND v.uid < $before_uid
RETURN collect(v.uid) AS uids, collect(v.evaluation_id) AS evaluation_ids, collect(v.agent_id) AS agent_ids,
  collect(v.task_id) AS task_ids, collect(v.role) AS roles, collect(coalesce(v.score, -1.0)) AS scores,
  collect(coalesce(v.seconds, -1.0)) AS seconds, collect(coalesce(v.tokens, -1)) AS tokens,
  collect(coalesce(v.cost_nano, -1)) AS costs_nano, collect(v.operation_uids) AS operation_uids,
  collect(coalesce(v.session_uid, '')) AS session_uids, collect(coalesce(v.scope_uid, '')) AS scope_uids
