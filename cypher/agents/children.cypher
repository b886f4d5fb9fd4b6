UNWIND $rows AS row
MATCH (:Agent {uid: row.uid})-[:PARENT_OF]->(child:Agent)
WHERE child.uid > row.after_uid
WITH row.number AS number, child.uid AS uid
ORDER BY number, uid
WITH number, collect(uid) AS uids
RETURN number AS number, uids[..500] AS uids
