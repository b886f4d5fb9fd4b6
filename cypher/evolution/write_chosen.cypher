UNWIND $rows AS row
MATCH (s:Selection {uid: row.uid})
MATCH (m:Member {uid: row.member_uid})
CREATE (s)-[:CHOSE {rank: row.rank}]->(m)
