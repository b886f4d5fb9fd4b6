UNWIND $rows AS row
MATCH (u:TokenUsage {uid: row.uid})
SET u.archived = row.archive_uid, u.time_key = row.time_key, u.path_key = null, u.agent_key = null,
  u.agent_uid = null, u.region = null, u.tags = null
