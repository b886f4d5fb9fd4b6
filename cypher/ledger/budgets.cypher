MATCH (b:Budget)
WHERE b.tenant = $tenant AND b.version > $since_version
RETURN properties(b) AS budget, [(b)-[:LIMITED_BY]->(l:Limit) | properties(l)] AS limits
