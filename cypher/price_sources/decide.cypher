UNWIND $rows AS row
MATCH (h:HeldPrice {uid: row.uid})
SET h.locked = true
WITH row, h
WHERE h.state = 'HELD'
SET h += row.properties
RETURN h.uid AS uid
