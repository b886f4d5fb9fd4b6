MATCH (l:DeadLetter {uid: $uid})
DETACH DELETE l
