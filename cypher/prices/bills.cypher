UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
MATCH (p:ChargePath {uid: u.charge_path})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry)
RETURN u.uid AS uid, properties(u) AS usage, p.uid AS path_uid, p.chain AS chain, p.scoped AS scoped,
  properties(e) AS entry
ORDER BY uid, entry.seq
