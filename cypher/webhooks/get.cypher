MATCH (w:WebhookEndpoint {uid: $uid})
RETURN properties(w) AS endpoint
