CREATE (w:WebhookEndpoint {uid: $uid})
SET w += $properties
RETURN properties(w) AS endpoint
