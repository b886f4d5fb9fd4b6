UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})
MERGE (o:Override {uid: row.uid})
SET o += row.properties
MERGE (o)-[:OVERRIDES]->(b)
