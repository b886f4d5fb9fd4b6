MATCH (e:Experiment)
WHERE e.uid > $after_uid AND e.uid < $before_uid AND ($budget_uids IS NULL OR e.budget_uid IN $budget_uids)
RETURN properties(e) AS experiment
ORDER BY e.uid
LIMIT $first
