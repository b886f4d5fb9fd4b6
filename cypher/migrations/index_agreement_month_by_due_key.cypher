CREATE INDEX index_agreement_month_by_due_key IF NOT EXISTS
FOR (n:AgreementMonth) ON (n.due_key)
