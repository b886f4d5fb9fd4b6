UNWIND $rows AS row
CREATE (f:PriceFile {uid: row.uid})
SET f += row.properties
