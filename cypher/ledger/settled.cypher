MATCH (l:Ledger {uid: $tenant})
SET l.locked = true
RETURN l.tenant AS tenant, l.seq AS seq, l.version AS version, l.last_now_us AS last_now_us, l.commits AS commits,
  coalesce(l.awaited, 0) AS awaited
