UNWIND $uids AS uid
MATCH (v:Evaluation {uid: uid})
RETURN collect(v.uid) AS uids, collect(coalesce(v.log, '')) AS logs
