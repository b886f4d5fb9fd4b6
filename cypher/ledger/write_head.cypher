UNWIND $rows AS row
MATCH (l:Ledger {uid: row.tenant})
SET l.seq = row.seq, l.version = row.version, l.last_now_us = row.last_now_us, l.commits = row.commits
