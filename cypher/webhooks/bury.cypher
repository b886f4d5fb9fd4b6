MATCH (w:WebhookEndpoint {uid: $endpoint_uid})
MERGE (l:DeadLetter {uid: $uid})
SET l += $properties
MERGE (l)-[:DEAD_AT]->(w)
WITH w
MATCH (each:DeadLetter)-[:DEAD_AT]->(w)
RETURN count(each) AS count
