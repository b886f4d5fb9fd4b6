MATCH (o:Override)
WHERE o.open_key > $after AND o.open_key < $before
RETURN properties(o) AS override
