UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry {kind: 'usage'})
RETURN properties(u) AS usage, properties(e) AS entry
