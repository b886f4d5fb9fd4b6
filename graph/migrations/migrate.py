"""Bring a graph up to a list of migrations: in order, each once, whoever else is doing the same.

Neo4j keeps schema and data in separate transactions, so a migration has two parts. Its ``schema``
statements say ``IF NOT EXISTS`` and run one by one: running them again, or in two servers at once,
does no harm. Its ``data`` statements run in one transaction with the ``(:Migration)`` node that
records them: of two servers one commits, the other meets the uniqueness of the version, rolls back
and goes on.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cypher.migrations import APPLIED, RECORD, UNIQUE_MIGRATION_VERSION, AppliedRow, RecordParams
from cypher.query import CypherQuery, NoParams, NoRow
from graph.database import Database, Transaction
from graph.errors import ConstraintViolation, GraphIsNewer, MigrationChanged, TransactionConflict

Statement = CypherQuery[NoParams, NoRow]

ATTEMPTS = 20
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Migration:
    """One version of the graph: what to run on a graph of the version before."""

    version: int
    name: str
    schema: tuple[Statement, ...] = ()
    data: tuple[Statement, ...] = ()

    @property
    def checksum(self) -> str:
        """SHA-256 over the statements' names and texts, in order."""
        digest = hashlib.sha256()
        for statement in (*self.schema, *self.data):
            digest.update(f"{statement.name}\0{statement.text}\0".encode())
        return digest.hexdigest()


def migrate(database: Database, migrations: Sequence[Migration]) -> list[int]:
    """Apply what the graph has not seen yet; the versions that were applied here.

    Raises ``GraphIsNewer`` or ``MigrationChanged``, before anything is touched.
    """
    seen = check(database, migrations)
    missing = [migration for migration in migrations if migration.version not in seen]
    if missing:
        run_schema(database, UNIQUE_MIGRATION_VERSION)
    return [migration.version for migration in missing if apply(database, migration, migrations)]


def check(database: Database, migrations: Sequence[Migration]) -> set[int]:
    """The versions that the graph has seen, which must all be known to us and unchanged."""
    known = {migration.version: migration for migration in migrations}
    applied = database.read(APPLIED, NoParams())
    for row in applied:
        refuse_newer(row, known)
    for row in applied:
        migration = known[row["version"]]
        if row["checksum"] != migration.checksum:
            message = (
                f"Migration {row['version']} ({row['name']}) was applied to this graph with other statements "
                "than this version of Costgraph has. Use the version that made the graph, or a new graph."
            )
            raise MigrationChanged(message)
    return {row["version"] for row in applied}


def refuse_newer(row: AppliedRow, known: dict[int, Migration]) -> None:
    """Refuse a graph with a migration that we do not know."""
    if row["version"] not in known:
        message = (
            f"This graph has migration {row['version']} ({row['name']}), written by a newer version of "
            f"Costgraph; this one knows versions up to {max(known, default=0)}. Nothing was changed."
        )
        raise GraphIsNewer(message)


def apply(database: Database, migration: Migration, migrations: Sequence[Migration]) -> bool:
    """Apply one migration; whether it was us, and not another server at the same time."""
    for statement in migration.schema:
        run_schema(database, statement)

    def work(transaction: Transaction) -> None:
        record = RecordParams(
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
            applied_at_us=time.time_ns() // 1000,
        )
        transaction.run(RECORD, record)
        for statement in migration.data:
            transaction.run_consume(statement, NoParams())

    try:
        database.writing(work)
    except ConstraintViolation:
        check(database, migrations)
        return False
    return True


def run_schema(database: Database, statement: Statement) -> None:
    """Run one idempotent schema statement; two servers may collide on the schema's locks."""
    for attempt in range(ATTEMPTS):
        try:
            database.write(statement, NoParams())
        except (TransactionConflict, ConstraintViolation):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
