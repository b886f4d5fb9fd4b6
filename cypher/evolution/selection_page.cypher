MATCH (s:Selection)
WHERE s.uid > $after_uid AND s.uid < $before_uid
RETURN properties(s) AS selection
ORDER BY s.uid
LIMIT $first
