CREATE (m:Migration {version: $version, name: $name, checksum: $checksum, applied_at_us: $applied_at_us})
RETURN m.version AS version
