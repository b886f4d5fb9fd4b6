UNWIND $uids AS uid
MATCH (a:CostAnomaly {uid: uid})
RETURN a.uid AS uid, properties(a) AS anomaly
