MATCH (v:Evaluation)
WHERE v.uid > $after_uid AND v.uid < $before_uid
RETURN v.uid AS uid
ORDER BY v.uid
SKIP $passed
LIMIT 1
