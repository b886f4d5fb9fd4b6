MATCH (m:AgreementMonth)
WHERE m.uid > $from_key AND m.uid < $to_key
RETURN m.uid AS uid, properties(m) AS month
