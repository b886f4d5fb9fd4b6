MATCH (w:WebhookEndpoint)
WHERE w.uid > $after_uid AND w.uid < $before_uid
RETURN properties(w) AS endpoint
ORDER BY w.uid
LIMIT $first
