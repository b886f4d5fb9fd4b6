UNWIND $rows AS row
CREATE (r:RateSheet {uid: row.uid})
SET r += row.properties
