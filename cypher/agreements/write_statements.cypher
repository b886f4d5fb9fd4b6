UNWIND $rows AS row
MATCH (m:AgreementMonth {uid: row.month_uid})
MATCH (p:ChargePath {uid: row.path_uid})
CREATE (m)-[:BOOKED_AS]->(u:TokenUsage {uid: row.uid})-[:INCURRED]->(e:CostEntry {uid: row.entry_uid})-[:CHARGED_TO]->(p)
SET u += row.usage, e += row.entry
