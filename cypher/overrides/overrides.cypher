UNWIND $uids AS uid
MATCH (o:Override {uid: uid})
RETURN properties(o) AS override
