CALL () {
  UNWIND $batch.heads AS row
  MATCH (l:Ledger {uid: row.tenant})
  SET l.seq = row.seq, l.version = row.version, l.last_now_us = row.last_now_us, l.commits = row.commits,
    l.awaited = row.awaited
  RETURN count(*) AS heads
}
CALL () {
  UNWIND $batch.windows AS row
  MATCH (w:Window {uid: row.uid})
  SET w += row.figures
  RETURN count(*) AS windows
}
CALL () {
  UNWIND $batch.operations AS charged
  MATCH (a:Agent {uid: charged.agent_uid})
  MATCH (p:ChargePath {uid: charged.path_uid})
  UNWIND charged.rows AS row
  CREATE (a)-[:CONSUMED]->(u:TokenUsage {uid: row.uid})-[:INCURRED]->(e:CostEntry {uid: row.entry_uid})-[:CHARGED_TO]->(p)
  SET u += row.usage, e += row.entry
  RETURN count(*) AS operations
}
CALL () {
  UNWIND $batch.new_holds AS held
  MATCH (p:ChargePath {uid: held.path_uid})
  UNWIND held.rows AS row
  CREATE (r:Reservation {uid: row.uid})-[:HOLDS]->(p)
  SET r += row.properties
  RETURN count(*) AS new_holds
}
CALL () {
  UNWIND $batch.holds AS row
  MATCH (r:Reservation {uid: row.uid})
  SET r += row.properties
  RETURN count(*) AS holds
}
RETURN heads, windows, operations, new_holds, holds
