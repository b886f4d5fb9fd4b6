MATCH (l:Ledger)
MATCH (f:Fold {uid: l.uid})
WHERE f.folded_seq < l.seq OR f.dropping
RETURN l.tenant AS tenant
