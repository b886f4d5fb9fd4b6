UNWIND $rows AS row
MATCH (u:TokenUsage {uid: row.uid})
MERGE (a:CostAnomaly {uid: row.uid})
SET a += row.properties
MERGE (u)-[:DEVIATED]->(a)
