MATCH (b:Budget)
WHERE b.tenant = $tenant AND b.version > $since_version
OPTIONAL MATCH (b)-[:LIMITED_BY]->(l:Limit)
WITH b, collect(properties(l)) AS limits
RETURN properties(b) AS budget, limits AS limits
