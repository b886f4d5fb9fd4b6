CREATE INDEX index_rollup_by_budget_uid_and_day IF NOT EXISTS
FOR (n:Rollup) ON (n.budget_uid, n.day)
