UNWIND $rows AS row
MATCH (b:Budget {uid: row.uid})
OPTIONAL MATCH (b)-[old:ALLOCATED_TO]->(:Resource)
DELETE old
WITH DISTINCT b, row
MERGE (r:Resource {uid: row.resource_uid})
ON CREATE SET r.tenant = row.tenant, r.kind = row.kind, r.resource_id = row.resource_id
CREATE (b)-[:ALLOCATED_TO]->(r)
