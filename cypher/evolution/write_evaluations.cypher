UNWIND $rows AS row
MATCH (m:Member {uid: row.member_uid})
CREATE (m)-[:SCORED]->(v:Evaluation {uid: row.uid})
SET v += row.properties
RETURN collect(v.uid) AS uids
