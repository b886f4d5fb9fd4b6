UNWIND $rows AS row
MATCH (c:RateCard {uid: row.uid})
MATCH (p:RateCard {uid: row.before_uid})
CREATE (c)-[:REVISES]->(p)
