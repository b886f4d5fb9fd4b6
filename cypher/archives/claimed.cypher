UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
RETURN sum(CASE WHEN u.archived = $archive_uid THEN 1 ELSE 0 END) AS operations
