MATCH (w:WebhookEndpoint {uid: $uid})
WHERE w.enabled AND (w.lease_until_us < $now_us OR w.lease_owner = $owner)
SET w.lease_owner = $owner, w.lease_until_us = $until_us
RETURN properties(w) AS endpoint
