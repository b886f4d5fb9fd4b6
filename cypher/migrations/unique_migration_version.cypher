CREATE CONSTRAINT unique_migration_version IF NOT EXISTS
FOR (n:Migration) REQUIRE n.version IS UNIQUE
