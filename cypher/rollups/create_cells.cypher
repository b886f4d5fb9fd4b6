UNWIND $rows AS row
CREATE (c:Cells {uid: row.uid})
SET c += row.properties
