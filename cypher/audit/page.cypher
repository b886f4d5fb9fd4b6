MATCH (a:AuditEntry)
WHERE a.uid > $after_uid AND a.uid < $before_uid
RETURN properties(a) AS entry
ORDER BY a.uid DESC
LIMIT $first
