UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
WITH u
WHERE u.parent_operation_id IS NOT NULL
OPTIONAL MATCH (p:TokenUsage {uid: u.tenant + '/' + u.parent_operation_id})
OPTIONAL MATCH (p)-[d:DELEGATED]->(u)
WITH u, p, count(d) AS links
WHERE (p IS NULL AND u.awaits_uid IS NULL)
  OR (p IS NOT NULL AND (links <> 1 OR u.awaits_uid IS NOT NULL))
RETURN u.uid AS uid, u.operation_id AS operation_id, u.budget_id AS budget_id,
  u.parent_operation_id AS parent_operation_id, p IS NOT NULL AS recorded, links AS links
