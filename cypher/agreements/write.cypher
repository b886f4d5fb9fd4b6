UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})
CREATE (a:Agreement {uid: row.uid})-[:AGREED_FOR]->(b)
SET a += row.properties
