UNWIND $uids AS uid
MATCH (s:Selection {uid: uid})
RETURN properties(s) AS selection
