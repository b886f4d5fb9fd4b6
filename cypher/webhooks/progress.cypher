MATCH (w:WebhookEndpoint {uid: $uid})
WHERE w.lease_owner = $owner
SET w += $properties
RETURN count(w) AS count
