UNWIND $uids AS uid
MATCH (h:HeldPrice {uid: uid})
RETURN properties(h) AS held
