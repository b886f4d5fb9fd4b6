UNWIND $rows AS row
MATCH (b:Budget {uid: row.budget_uid})-[r:LIMITED_BY]->(l:Limit)
WHERE NOT l.uid IN row.kept
DELETE r
