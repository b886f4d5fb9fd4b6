UNWIND $uids AS uid
MATCH (u:TokenUsage)-[:INCURRED]->(e:CostEntry {uid: uid})-[:CHARGED_TO]->(p:ChargePath)
RETURN e.uid AS uid, properties(u) AS usage, p.uid AS path_uid, p.chain AS chain, p.scoped AS scoped,
  COUNT { (u)-[:INCURRED]->(:CostEntry) } AS entries
