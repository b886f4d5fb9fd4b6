MATCH (s:PriceSource)
WHERE s.due_key > '' AND s.due_key <= $now_key
RETURN s.uid AS uid
ORDER BY s.due_key
LIMIT $first
