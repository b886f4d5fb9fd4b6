MATCH (e:Event)
WHERE e.uid > $after AND e.uid < $before
RETURN e.uid AS uid, e.seq AS seq
ORDER BY e.uid LIMIT $limit
