CREATE INDEX index_agreement_by_version_key IF NOT EXISTS
FOR (n:Agreement) ON (n.version_key)
