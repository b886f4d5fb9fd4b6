MATCH (w:WebhookEndpoint {uid: $endpoint_uid})
MATCH (l:DeadLetter)
WHERE l.uid > $after_uid AND l.uid < $before_uid AND ($uids IS NULL OR l.uid IN $uids)
SET l.replaying = true, w.replaying = true
RETURN count(l) AS count
