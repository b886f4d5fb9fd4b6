MATCH (h:HeldPrice)
WHERE h.state_key > $after_key AND h.state_key < $before_key
RETURN properties(h) AS held
ORDER BY h.state_key
LIMIT $first
