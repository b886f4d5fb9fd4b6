"""Migrations: idempotent, checksummed, safe when two servers start at once, never on a newer graph."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from cypher.query import NoParams
from graph.database import Database
from graph.engines import Connection
from graph.errors import GraphIsNewer, MigrationChanged, TransactionConflict
from graph.migrations import MIGRATIONS, Migration, migrate
from tests.support.graphs import constraints, indexes

ROOT = Path(__file__).parents[2]
NEWER = Migration(version=1_000_001, name="from the future")


def schema_of(database: Database) -> set[str]:
    return constraints(database) | indexes(database)


def declared(database: Database) -> set[str]:
    statements = [
        statement
        for migration in MIGRATIONS
        for statement in (
            migration.statements if database.connection.kind == "arcadedb" else migration.schema
        )
    ]
    return {statement.name.removeprefix("migrations/") for statement in statements} | {
        "unique_migration_version"
    }


def test_a_new_graph_gets_every_constraint_and_index(raw_database: Database) -> None:
    assert migrate(raw_database, MIGRATIONS) == [migration.version for migration in MIGRATIONS]
    assert schema_of(raw_database) == declared(raw_database)


def test_a_second_migration_of_a_graph_changes_nothing(database: Database) -> None:
    before = schema_of(database)
    assert migrate(database, MIGRATIONS) == []
    assert schema_of(database) == before


def test_a_migration_that_stopped_in_the_middle_is_finished(raw_database: Database) -> None:
    half = replace(MIGRATIONS[0], schema=MIGRATIONS[0].schema[:3])
    for statement in half.schema:
        raw_database.write(statement, NoParams())
    assert migrate(raw_database, MIGRATIONS) == [migration.version for migration in MIGRATIONS]
    assert schema_of(raw_database) == declared(raw_database)


def test_a_graph_of_an_earlier_version_is_brought_up(raw_database: Database) -> None:
    assert migrate(raw_database, MIGRATIONS[:1]) == [1]
    assert migrate(raw_database, MIGRATIONS) == [migration.version for migration in MIGRATIONS[1:]]
    assert schema_of(raw_database) == declared(raw_database)


def test_servers_that_start_at_once_migrate_a_graph_together(raw_database: Database) -> None:
    command = [sys.executable, "-m", "tests.support.migrator", json.dumps(asdict(raw_database.connection))]
    servers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for server in servers:  # all are connected before one may begin
        assert server.stdout is not None
        assert server.stdout.readline() == "connected\n"
    answers = [server.communicate("go\n")[0] for server in servers]
    assert [server.returncode for server in servers] == [0, 0, 0]
    applied = [version for answer in answers for version in json.loads(answer)]
    assert sorted(applied) == [migration.version for migration in MIGRATIONS]
    assert schema_of(raw_database) == declared(raw_database)


def test_an_index_that_another_server_makes_at_that_moment_is_a_conflict(neo4j_engine: Connection) -> None:
    """Whoever tries again finds it there: ``IF NOT EXISTS`` does not see it while it is being made."""
    with Database(neo4j_engine) as database:
        with database.transaction() as transaction:
            transaction.run_text("CREATE INDEX made_twice FOR (n:MadeTwice) ON (n.x)")
        with pytest.raises(TransactionConflict), database.transaction() as transaction:
            transaction.run_text("CREATE INDEX made_twice FOR (n:MadeTwice) ON (n.x)")
        with database.transaction() as transaction:
            transaction.run_text("DROP INDEX made_twice")


def test_a_migration_whose_text_changed_since_is_refused(database: Database) -> None:
    changed = (replace(MIGRATIONS[0], schema=MIGRATIONS[0].schema[1:]), *MIGRATIONS[1:])
    with pytest.raises(MigrationChanged, match="other statements"):
        migrate(database, changed)


def test_a_newer_graph_is_refused_and_not_touched(raw_database: Database) -> None:
    migrate(raw_database, (NEWER,))
    before = schema_of(raw_database)
    with pytest.raises(GraphIsNewer, match=r"from the future.*Nothing was changed"):
        migrate(raw_database, MIGRATIONS)
    assert schema_of(raw_database) == before


def test_every_index_of_one_property_has_its_type_declared() -> None:
    """Without it the embedded engine reads the whole index for a page of fifty rows."""
    single = {
        statement.name.removeprefix("migrations/")
        for migration in MIGRATIONS
        for statement in migration.schema
        if "," not in statement.text
    }
    typed = {
        statement.name.removeprefix("migrations/type_")
        for migration in MIGRATIONS
        for statement in migration.types
    }
    assert {
        name.removeprefix("unique_").removeprefix("index_").replace("_by_", "_") for name in single
    } == typed
