MATCH (m:Member)
WHERE m.uid > $after_uid AND m.uid < $before_uid
RETURN collect(m.uid) AS uids, collect(m.agent_id) AS agent_ids, collect(m.generation) AS generations,
  collect(m.operator) AS operators, collect(m.parent_ids) AS parent_ids,
  collect(coalesce(m.island, '')) AS islands
