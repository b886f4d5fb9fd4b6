UNWIND $rows AS row
CREATE (q:Request {uid: row.uid})
SET q += row.properties
