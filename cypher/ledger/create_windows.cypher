UNWIND $rows AS row
MATCH (l:Limit {uid: row.limit_uid})
CREATE (l)-[:HAS_WINDOW]->(w:Window {uid: row.uid, limit_uid: row.limit_uid})
SET w += row.figures
