MATCH (l:DeadLetter)
WHERE l.uid > $after_uid AND l.uid < $before_uid
RETURN properties(l) AS letter
ORDER BY l.uid DESC
LIMIT $first
