UNWIND $uids AS uid
MATCH (q:Request {uid: uid})
RETURN q.uid AS uid, q.tenant AS tenant, q.fingerprint AS fingerprint, q.answer AS answer
