MATCH (l:Ledger)
RETURN l.tenant AS tenant
