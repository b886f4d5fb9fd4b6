UNWIND $uids AS uid
MATCH (a:Agent {uid: uid})
OPTIONAL MATCH (parent:Agent)-[:PARENT_OF]->(a)
WITH a, collect(parent.agent_id) AS parents
RETURN a.uid AS uid, a.agent_id AS agent_id, a.name AS name, a.budget_uid AS budget_uid, a.user_id AS user_id,
  a.metadata AS metadata, a.created_at_us AS created_at_us, parents AS parents
