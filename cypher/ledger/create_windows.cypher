UNWIND $rows AS row
// A limit that was made and dropped again within one batch has no node of its own yet.
MERGE (l:Limit {uid: row.limit_uid})
CREATE (l)-[:HAS_WINDOW]->(w:Window {uid: row.uid, limit_uid: row.limit_uid})
SET w += row.figures
