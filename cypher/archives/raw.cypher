UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})-[:INCURRED]->(e:CostEntry)
WITH u, max(e.seq) AS seq
RETURN properties(u) AS usage, seq AS seq
