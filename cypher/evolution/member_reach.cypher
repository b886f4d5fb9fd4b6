MATCH (m:Member)
WHERE m.uid > $after_uid AND m.uid < $before_uid
RETURN m.uid AS uid
ORDER BY m.uid
SKIP $passed
LIMIT 1
