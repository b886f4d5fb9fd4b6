"""Bring a graph up to a list of migrations: in order, each once, whoever else is doing the same.

Every statement is a schema statement that says ``IF NOT EXISTS`` and runs in a transaction of its
own (Neo4j keeps schema and data apart): running it again, or in two servers at once, does no harm.
When all of a migration have run, a ``(:Migration)`` node records it; of two servers one records it,
the other meets the uniqueness of the version and goes on.

``types`` are for the embedded engine alone: it walks an index in order, and stops early, only where
the property's type was declared before the index (Neo4j needs no telling, and its community edition
knows no type constraints).
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cypher.migrations import APPLIED, RECORD, UNIQUE_MIGRATION_VERSION, RecordParams
from cypher.query import CypherQuery, NoParams, NoRow
from graph.database import Database
from graph.errors import ConstraintViolation, GraphIsNewer, MigrationChanged, TransactionConflict

Statement = CypherQuery[NoParams, NoRow]

ATTEMPTS = 20
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Migration:
    """One version of the graph: what to run on a graph of the version before."""

    version: int
    name: str
    types: tuple[Statement, ...] = ()
    schema: tuple[Statement, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of them, in the order in which they run."""
        return (*self.types, *self.schema)

    @property
    def checksum(self) -> str:
        """SHA-256 over the statements' names and texts, in order."""
        digest = hashlib.sha256()
        for statement in self.statements:
            digest.update(f"{statement.name}\0{statement.text}\0".encode())
        return digest.hexdigest()


def migrate(database: Database, migrations: Sequence[Migration]) -> list[int]:
    """Apply what the graph has not seen yet; the versions that were applied here.

    Raises ``GraphIsNewer`` or ``MigrationChanged``, before anything is touched.
    """
    seen = check(database, migrations)
    missing = [migration for migration in migrations if migration.version not in seen]
    if missing:
        run(database, UNIQUE_MIGRATION_VERSION)
    return [migration.version for migration in missing if apply(database, migration, migrations)]


def check(database: Database, migrations: Sequence[Migration]) -> set[int]:
    """The versions that the graph has seen, which must all be known to us and unchanged."""
    known = {migration.version: migration for migration in migrations}
    applied = database.read(APPLIED, NoParams())
    for row in applied:
        if row["version"] not in known:
            message = (
                f"This graph has migration {row['version']} ({row['name']}), written by a newer version of "
                f"Costgraph; this one knows versions up to {max(known, default=0)}. Nothing was changed."
            )
            raise GraphIsNewer(message)
    for row in applied:
        if row["checksum"] != known[row["version"]].checksum:
            message = (
                f"Migration {row['version']} ({row['name']}) was applied to this graph with other statements "
                "than this version of Costgraph has. Use the version that made the graph, or a new graph."
            )
            raise MigrationChanged(message)
    return {row["version"] for row in applied}


def apply(database: Database, migration: Migration, migrations: Sequence[Migration]) -> bool:
    """Apply one migration; whether it was us who recorded it, and not a server beside us."""
    embedded = database.connection.kind == "arcadedb"
    for statement in migration.statements if embedded else migration.schema:
        run(database, statement)
    record = RecordParams(
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        applied_at_us=time.time_ns() // 1000,
    )
    try:
        database.write(RECORD, record)
    except ConstraintViolation:
        check(database, migrations)
        return False
    return True


def run(database: Database, statement: Statement) -> None:
    """Run one statement; two servers may collide on the schema's locks, or on the same new name."""
    for attempt in range(ATTEMPTS):
        try:
            database.write(statement, NoParams())
        except (TransactionConflict, ConstraintViolation):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
