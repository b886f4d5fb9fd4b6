UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry)
RETURN properties(u) AS usage, collect(properties(e)) AS entries
