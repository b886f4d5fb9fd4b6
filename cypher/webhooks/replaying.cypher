MATCH (l:DeadLetter)
WHERE l.uid > $after_uid AND l.uid < $before_uid AND l.replaying
RETURN properties(l) AS letter
ORDER BY l.uid
LIMIT $first
