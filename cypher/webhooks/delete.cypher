MATCH (w:WebhookEndpoint {uid: $uid})
OPTIONAL MATCH (l:DeadLetter)-[:DEAD_AT]->(w)
DETACH DELETE w, l
RETURN count(*) AS count
