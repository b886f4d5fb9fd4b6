"""Whole graphs: emptied, unmade, explained."""

from typing import Any, cast

from graph.database import Database, Transaction

BATCH = 5000


class RolledBack(Exception):
    """Ends a transaction that must leave no trace."""


def wipe(database: Database) -> None:
    """Remove every node but the record of migrations."""
    _delete(
        database,
        "MATCH (n) WHERE NOT n:Migration WITH n LIMIT $batch DETACH DELETE n RETURN count(*) AS gone",
    )


def unmake(database: Database) -> None:
    """Remove every node, constraint and index: a graph that nobody has migrated."""
    _delete(database, "MATCH (n) WITH n LIMIT $batch DETACH DELETE n RETURN count(*) AS gone")
    for name in constraints(database):
        _run(database, f"DROP CONSTRAINT `{name}`")
    for name in indexes(database):
        _run(database, f"DROP INDEX `{name}`")


def constraints(database: Database) -> set[str]:
    """The names of all constraints."""
    return {row["name"] for row in _run(database, "SHOW CONSTRAINTS")}


def indexes(database: Database) -> set[str]:
    """The names of all indexes that no constraint owns."""
    rows = _run(database, "SHOW INDEXES")
    return {row["name"] for row in rows if row["owningConstraint"] is None and row["type"] != "LOOKUP"}


def _delete(database: Database, text: str) -> None:
    while _run(database, text, batch=BATCH)[0]["gone"]:
        pass


def _run(database: Database, text: str, **params: Any) -> list[dict[str, Any]]:
    def work(transaction: Transaction) -> list[dict[str, Any]]:
        return transaction.run_text(cast("Any", text), params)

    return database.writing(work)
