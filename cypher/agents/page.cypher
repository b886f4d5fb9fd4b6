MATCH (a:Agent)
WHERE a.uid > $after_uid AND a.uid < $before_uid
RETURN a.uid AS uid
ORDER BY a.uid
LIMIT $first
