UNWIND $rows AS row
CREATE (e:Event {uid: row.uid})
SET e += row.properties
