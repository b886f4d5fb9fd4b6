UNWIND $tenants AS tenant
MATCH (l:Ledger {uid: tenant})
SET l.locked = true
WITH collect({tenant: l.tenant, seq: l.seq, version: l.version, last_now_us: l.last_now_us, commits: l.commits}) AS heads
CALL () {
  UNWIND $operations AS uid
  MATCH (u:TokenUsage {uid: uid})
  OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry {kind: 'usage'})
  RETURN collect({uid: u.uid, operation_id: u.operation_id, fingerprint: u.fingerprint, budget_id: u.budget_id,
    pricing: u.pricing, warnings: u.warnings, entry: properties(e)}) AS operations
}
RETURN heads, operations
