UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry {kind: 'usage'})
WITH u, count(e) AS entries
WHERE (u.pricing = 'UNPRICED' AND entries <> 0) OR (u.pricing <> 'UNPRICED' AND entries <> 1)
RETURN u.operation_id AS operation_id, u.budget_id AS budget_id, u.pricing AS pricing, entries AS entries
