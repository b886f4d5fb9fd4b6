MATCH (m:AgreementMonth)
WHERE m.due_key > $after AND m.due_key < $before
RETURN m.due_key AS key, m.tenant AS tenant, m.agreement_id AS agreement_id
ORDER BY m.due_key LIMIT $limit
