UNWIND $rows AS row
MATCH (a:Agreement {uid: row.uid})
MATCH (p:Agreement {uid: row.before_uid})
CREATE (a)-[:REVISES]->(p)
