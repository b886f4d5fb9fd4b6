UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})-[:INCURRED]->(e:CostEntry)
RETURN u.uid AS usage_uid, properties(e) AS entry
ORDER BY e.seq
