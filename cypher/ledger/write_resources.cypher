UNWIND $rows AS row
MATCH (b:Budget {uid: row.uid})
OPTIONAL MATCH (b)-[old:ALLOCATED_TO]->(:Resource)
DELETE old
WITH DISTINCT b, row
WHERE row.resource_id IS NOT NULL
// A second label by kind, so that (:Project) and the like can be asked for. The embedded engine gives a node
// its labels when it is made, and an :Agent is something else.
FOREACH (_ IN CASE row.kind WHEN 'platform' THEN [1] ELSE [] END | MERGE (:Resource:Platform {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'project' THEN [1] ELSE [] END | MERGE (:Resource:Project {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'task' THEN [1] ELSE [] END | MERGE (:Resource:Task {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'team' THEN [1] ELSE [] END | MERGE (:Resource:Team {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'user' THEN [1] ELSE [] END | MERGE (:Resource:User {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'provider' THEN [1] ELSE [] END | MERGE (:Resource:Provider {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'model' THEN [1] ELSE [] END | MERGE (:Resource:Model {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'experiment' THEN [1] ELSE [] END | MERGE (:Resource:Experiment {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'custom' THEN [1] ELSE [] END | MERGE (:Resource:Custom {uid: row.resource_uid}))
FOREACH (_ IN CASE row.kind WHEN 'agent' THEN [1] ELSE [] END | MERGE (:Resource {uid: row.resource_uid}))
WITH b, row
MATCH (r:Resource {uid: row.resource_uid})
SET r.tenant = row.tenant, r.kind = row.kind, r.resource_id = row.resource_id
CREATE (b)-[:ALLOCATED_TO]->(r)
