UNWIND $rows AS row
MATCH (c:RateCard {uid: row.uid})
MATCH (b:Budget {uid: row.budget_uid})
CREATE (c)-[:AGREED_FOR]->(b)
