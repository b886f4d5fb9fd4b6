"""What an operator asks of a graph: does it answer, is it migrated, is its clock right."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cypher.health import CLOCKS
from cypher.query import NoParams
from graph.database import Database
from graph.migrations import Migration
from graph.migrations.migrate import check


@dataclass(frozen=True, slots=True)
class Clocks:
    """Differences to this machine's clock, in microseconds; positive is ahead of it."""

    engine_us: int
    ledger_us: int


def clocks(database: Database) -> Clocks:
    """How far the engine's clock, and the latest time that a ledger has seen, are ahead."""
    asked_us = time.time_ns() // 1_000
    (row,) = database.read(CLOCKS, NoParams())
    answered_us = time.time_ns() // 1_000
    engine_us = row["engine_ms"] * 1_000
    # Whatever lies between asking and answering is right.
    ahead = engine_us - min(max(engine_us, asked_us), answered_us)
    return Clocks(ahead, row["last_now_us"] - answered_us)


def pending(database: Database, migrations: Sequence[Migration]) -> list[int]:
    """The versions that the next server will apply. Raises ``MigrationError``."""
    seen = check(database, migrations)
    return [each.version for each in migrations if each.version not in seen]
