UNWIND $uids AS uid
MATCH (m:Member {uid: uid})
RETURN collect(m.uid) AS uids, collect(m.fingerprint) AS fingerprints
