MATCH (l:Ledger)
MATCH (f:Fold {uid: l.uid})
WITH l.seq - f.folded_seq AS behind
RETURN coalesce(max(behind), 0) AS entries, sum(CASE WHEN behind > 0 THEN 1 ELSE 0 END) AS tenants
