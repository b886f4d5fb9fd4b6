UNWIND $rows AS row
CREATE (c:RateCard {uid: row.uid})
SET c += row.properties
