MATCH (b:Budget {tenant: $tenant})-[:ROLLED_UP]->(r:Rollup)
WITH r LIMIT $limit
DETACH DELETE r
RETURN count(*) AS dropped
