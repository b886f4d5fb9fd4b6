MATCH (l:Ledger)
WHERE l.uid IN $tenants
WITH l ORDER BY l.uid
SET l.locked = true
RETURN l.tenant AS tenant, l.seq AS seq, l.version AS version, l.last_now_us AS last_now_us, l.commits AS commits
