UNWIND $rows AS row
MERGE (m:MonthUse {uid: row.uid})
SET m.counts = row.counts, m.quantity_nano = row.quantity_nano
