MATCH (b:Budget {uid: $budget_uid})-[:TOPPED_UP]->(t:TopUp)
WHERE t.time_key < $before
RETURN properties(t) AS top_up
ORDER BY t.time_key DESC
LIMIT $first
