MATCH (a:Archive)
WHERE a.uid > $after_uid AND a.uid < $before_uid
RETURN properties(a) AS archive
ORDER BY a.uid DESC LIMIT $first
