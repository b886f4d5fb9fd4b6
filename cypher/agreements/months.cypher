UNWIND $uids AS uid
MATCH (m:AgreementMonth {uid: uid})
RETURN m.uid AS uid, properties(m) AS month
