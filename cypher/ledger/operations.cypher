UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry {kind: 'usage'})
RETURN u.uid AS uid, u.operation_id AS operation_id, u.fingerprint AS fingerprint, u.budget_id AS budget_id,
  u.pricing AS pricing, u.warnings AS warnings, properties(e) AS entry
