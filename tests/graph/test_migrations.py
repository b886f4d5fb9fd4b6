"""Migrations: idempotent, checksummed, safe when two servers start at once, never on a newer graph."""

from graph.database import Database
from graph.migrations import MIGRATIONS, migrate


def test_a_second_migration_of_a_graph_changes_nothing(database: Database) -> None:
    assert migrate(database, MIGRATIONS) == []
