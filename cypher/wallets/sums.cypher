MATCH (b:Budget)-[:TOPPED_UP]->(t:TopUp)
WHERE b.tenant = $tenant
RETURN b.uid AS budget_uid, sum(t.amount_nano) AS amount_nano
