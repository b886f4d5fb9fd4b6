UNWIND $rows AS row
CREATE (p:ChargePath {uid: row.uid, tenant: row.tenant, chain: row.chain, scoped: row.scoped})
WITH p, row
UNWIND row.budgets AS budget_uid
MATCH (b:Budget {uid: budget_uid})
CREATE (p)-[:LEADS_TO]->(b)
