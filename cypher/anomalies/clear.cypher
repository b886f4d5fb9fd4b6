UNWIND $uids AS uid
MATCH (a:CostAnomaly {uid: uid})
DETACH DELETE a
