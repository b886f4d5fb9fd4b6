MATCH (a:Archive {uid: $uid})
RETURN properties(a) AS archive
