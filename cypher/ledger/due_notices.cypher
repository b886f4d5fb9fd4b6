MATCH (n:Notice)
WHERE n.due_key > $after AND n.due_key < $before
RETURN n.uid AS budget_uid, n.due_us AS due_us
ORDER BY n.due_key
LIMIT $limit
