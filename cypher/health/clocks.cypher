MATCH (l:Ledger)
WITH max(l.last_now_us) AS latest
RETURN coalesce(latest, 0) AS last_now_us, timestamp() AS engine_ms
