MERGE (l:Ledger {uid: $tenant})
ON CREATE SET l.tenant = $tenant, l.seq = 0, l.version = 0, l.last_now_us = 0, l.commits = 0
MERGE (f:Fold {uid: $tenant})
ON CREATE SET f.tenant = $tenant, f.folded_seq = 0
RETURN l.version AS version
