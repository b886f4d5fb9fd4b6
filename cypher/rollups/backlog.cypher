MATCH (l:Ledger)
MATCH (f:Fold {uid: l.uid})
WHERE f.folded_seq < l.seq OR f.dropping OR coalesce(f.begun, 0) <> coalesce(f.ended, 0)
RETURN l.tenant AS tenant
