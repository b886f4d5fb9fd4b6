UNWIND $uids AS uid
MATCH (v:Evaluation {uid: uid})
RETURN collect(v.uid) AS uids, collect(v.fingerprint) AS fingerprints
