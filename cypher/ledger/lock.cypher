UNWIND $wanted.tenants AS tenant
MATCH (l:Ledger {uid: tenant})
SET l.locked = true
WITH collect({tenant: l.tenant, seq: l.seq, version: l.version, last_now_us: l.last_now_us, commits: l.commits, awaited: coalesce(l.awaited, 0)}) AS heads
CALL () {
  UNWIND $wanted.operations AS uid
  MATCH (u:TokenUsage {uid: uid})
  OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry {kind: 'usage'})
  RETURN collect({usage: properties(u), entry: properties(e)}) AS operations
}
CALL () {
  UNWIND $wanted.holds AS uid
  MATCH (r:Reservation {uid: uid})-[:HOLDS]->(p:ChargePath)
  RETURN collect({hold: properties(r), chain: p.chain, scoped: p.scoped}) AS holds
}
CALL () {
  UNWIND $wanted.requests AS uid
  MATCH (q:Request {uid: uid})
  RETURN collect({uid: q.uid, tenant: q.tenant, fingerprint: q.fingerprint, answer: q.answer}) AS requests
}
RETURN heads, operations, holds, requests
