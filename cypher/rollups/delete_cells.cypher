UNWIND $uids AS uid
MATCH (c:Cells {uid: uid})
DETACH DELETE c
