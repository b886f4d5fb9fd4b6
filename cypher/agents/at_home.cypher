MATCH (a:Agent)
WHERE a.uid > $after_uid AND a.uid < $before_uid AND a.budget_uid IN $budget_uids
RETURN a.uid AS uid
