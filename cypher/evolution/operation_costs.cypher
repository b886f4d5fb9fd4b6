UNWIND $uids AS uid
MATCH (u:TokenUsage {uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry)
WITH uid, u, coalesce(sum(e.total_cost_nano), 0) AS cost_nano,
  coalesce(sum(CASE WHEN e.currency <> $currency THEN 1 ELSE 0 END), 0) AS foreign_entries
RETURN collect(uid) AS uids, collect(u.budget_id) AS budget_ids, collect(cost_nano) AS costs_nano,
  collect(CASE WHEN u.pricing = 'PRICED' AND foreign_entries = 0 THEN 0 ELSE 1 END) AS unknown,
  collect(u.total_tokens) AS tokens, collect(CASE WHEN u.usage_reported AND u.pricing <> 'ESTIMATED' THEN 0 ELSE 1 END) AS unreported
