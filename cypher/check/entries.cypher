MATCH (e:CostEntry)
WHERE e.uid > $after AND e.uid < $before
RETURN e.uid AS uid, e.seq AS seq, e.charge_path AS charge_path, e.charged_at_us AS charged_at_us,
  e.total_cost_nano AS total_cost_nano, e.prompt_cost_nano + e.completion_cost_nano + e.other_cost_nano AS parts_nano,
  e.prompt_tokens + e.completion_tokens AS tokens, e.operations AS operations,
  e.forced_windows AS forced_windows, e.forced_amounts AS forced_amounts
ORDER BY e.uid LIMIT $limit
