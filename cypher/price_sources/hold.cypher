UNWIND $rows AS row
MATCH (s:PriceSource {uid: row.source_uid})
MERGE (h:HeldPrice {uid: row.uid})
SET h += row.properties
MERGE (s)-[:HOLDS_BACK]->(h)
