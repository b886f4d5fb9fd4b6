UNWIND $uids AS uid
MATCH (v:Evaluation {uid: uid})
WHERE v.log IS NOT NULL
RETURN collect(v.uid) AS uids, collect(v.log) AS logs
