UNWIND $uids AS uid
MATCH (c:TokenUsage {awaits_uid: uid})
RETURN uid AS uid, count(c) AS waiting
