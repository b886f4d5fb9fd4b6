MATCH (e:Event)
WHERE e.uid > $after AND e.uid <= $through
RETURN e.seq AS seq, e.type AS type, e.budget_uid AS budget_uid, e.at_us AS at_us, e.payload AS payload
ORDER BY e.uid
