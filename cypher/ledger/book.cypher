MATCH (u:TokenUsage {uid: $uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry)-[:CHARGED_TO]->(p:ChargePath)
RETURN properties(u) AS usage, properties(e) AS entry, p.uid AS path_uid, p.chain AS chain, p.scoped AS scoped
ORDER BY entry.seq
