MATCH (w:WebhookEndpoint)
WHERE w.enabled
RETURN properties(w) AS endpoint
ORDER BY w.uid
