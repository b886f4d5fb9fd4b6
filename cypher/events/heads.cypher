UNWIND $tenants AS tenant
MATCH (l:Ledger {uid: tenant})
RETURN l.tenant AS tenant, l.seq AS seq, l.version AS version, l.commits AS commits
