UNWIND $rows AS row
MATCH (u:TokenUsage {uid: row.usage_uid})
MATCH (p:ChargePath {uid: row.path_uid})
SET u.first_prompt_tokens = coalesce(u.first_prompt_tokens, u.prompt_tokens),
  u.first_completion_tokens = coalesce(u.first_completion_tokens, u.completion_tokens)
CREATE (u)-[:INCURRED]->(e:CostEntry {uid: row.uid})-[:CHARGED_TO]->(p)
SET e += row.entry, u += row.usage
