UNWIND $uids AS uid
MATCH (:TokenUsage {uid: uid})-[:INCURRED]->(e:CostEntry)
WITH uid, e.currency AS currency, sum(e.prompt_cost_nano) AS prompt, sum(e.completion_cost_nano) AS completion,
  sum(e.other_cost_nano) AS other
RETURN collect(uid) AS uid, collect(currency) AS currency, collect(prompt) AS prompt_cost_nano,
  collect(completion) AS completion_cost_nano, collect(other) AS other_cost_nano
