CREATE INDEX index_notice_by_due_key IF NOT EXISTS
FOR (n:Notice) ON (n.due_key)
