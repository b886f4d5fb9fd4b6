UNWIND $rows AS row
MATCH (r:Rollup {uid: row.uid})
SET r += row.properties
