UNWIND $uids AS uid
MATCH (u:TokenUsage {session_uid: uid})
OPTIONAL MATCH (u)-[:INCURRED]->(e:CostEntry)
WITH uid, u, coalesce(sum(e.total_cost_nano), 0) AS own_nano,
  coalesce(sum(CASE WHEN e.currency <> $currency THEN 1 ELSE 0 END), 0) AS foreign_entries
WITH uid, u.budget_id AS budget_id, sum(own_nano) AS cost_nano,
  sum(CASE WHEN u.pricing = 'PRICED' AND foreign_entries = 0 THEN 0 ELSE 1 END) AS unknown_usages,
  sum(u.total_tokens) AS all_tokens, sum(CASE WHEN u.usage_reported AND u.pricing <> 'ESTIMATED' THEN 0 ELSE 1 END) AS silent
RETURN collect(uid) AS uids, collect(budget_id) AS budget_ids, collect(cost_nano) AS costs_nano,
  collect(unknown_usages) AS unknown, collect(all_tokens) AS tokens, collect(silent) AS unreported
