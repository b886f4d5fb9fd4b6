UNWIND $rows AS row
MATCH (c:TokenUsage {uid: row.child_uid})
OPTIONAL MATCH (p:TokenUsage {uid: row.parent_uid})
FOREACH (_ IN CASE WHEN p IS NULL THEN [1] ELSE [] END | SET c.awaits_uid = row.parent_uid)
FOREACH (_ IN CASE WHEN p IS NULL THEN [] ELSE [1] END | CREATE (p)-[:DELEGATED]->(c))
