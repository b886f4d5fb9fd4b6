MATCH (o:Override)
WHERE o.time_key > $after AND o.time_key < $before
RETURN properties(o) AS override
ORDER BY o.time_key DESC
LIMIT $first
