CALL () {
  UNWIND $heads AS row
  MATCH (l:Ledger {uid: row.tenant})
  SET l.seq = row.seq, l.version = row.version, l.last_now_us = row.last_now_us, l.commits = row.commits
  RETURN count(*) AS heads
}
CALL () {
  UNWIND $windows AS row
  MATCH (w:Window {uid: row.uid})
  SET w += row.figures
  RETURN count(*) AS windows
}
CALL () {
  UNWIND $operations AS row
  MATCH (a:Agent {uid: row.agent_uid})
  MATCH (p:ChargePath {uid: row.path_uid})
  CREATE (a)-[:CONSUMED]->(u:TokenUsage {uid: row.uid})-[:INCURRED]->(e:CostEntry {uid: row.entry_uid})-[:CHARGED_TO]->(p)
  SET u += row.usage, e += row.entry
  RETURN count(*) AS operations
}
RETURN heads, windows, operations
