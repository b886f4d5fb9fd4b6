UNWIND $rows AS row
MATCH (b:Budget {uid: row.uid})
OPTIONAL MATCH (:Budget)-[old:PARENT_OF]->(b)
DELETE old
WITH DISTINCT b, row
MATCH (parent:Budget {uid: row.parent_uid})
CREATE (parent)-[:PARENT_OF]->(b)
