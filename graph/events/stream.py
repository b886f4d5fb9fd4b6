"""Reads of a tenant's sequence. What has a number of it is committed, and never changes.

Numbers are taken under the ledger's lock and without gaps: of what is read up to a ledger's head none is
missing, and none comes later.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import orjson

from cypher import events as queries
from cypher.events import RecordedRow, ToldRow
from cypher.ledger import COUNT_ENTRIES, COUNT_UNPRICED, KeySpan
from graph.database import Database, Transaction
from graph.ledger.settled import whole_stretch
from ledger.changes import Event
from ledger.events import COST_RECORDED, cost_body
from ledger.model import seq_uid, uid_of

CHUNK_SEQS: Final = 1_000
"""How many numbers are read at once."""


class StreamHead(NamedTuple):
    """How far a tenant's ledger is: its last number, the version of its budgets, how many commits."""

    seq: int
    version: int
    commits: int


class EventStream:
    """Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def heads(self, tenants: Iterable[str]) -> dict[str, StreamHead]:
        """How far the ledgers of some tenants are; those without one are left out."""
        rows = self._database.read(queries.HEADS, {"tenants": list(tenants)})
        return {row["tenant"]: StreamHead(row["seq"], row["version"], row["commits"]) for row in rows}

    def head(self, tenant: str) -> StreamHead:
        """How far a tenant's ledger is."""
        return self.heads([tenant]).get(tenant, StreamHead(0, 0, 0))

    def read(self, tenant: str, after: int, through: int, *, costs: bool = True) -> list[Event]:
        """The events of a stretch (after, through], in order; ``costs``: ``cost.recorded``, too."""

        def work(
            transaction: Transaction, span: KeySpan
        ) -> tuple[tuple[list[ToldRow], list[RecordedRow]], int]:
            told = transaction.run(queries.TOLD, span)
            recorded = transaction.run(queries.RECORDED, span) if costs else []
            return (told, recorded), len(told) + sum(len(row["seq"]) for row in recorded)

        others = [COUNT_UNPRICED] if costs else [COUNT_UNPRICED, COUNT_ENTRIES]
        told, recorded = whole_stretch(self._database, tenant, after, through, work, others)
        events = [Event(tenant, **row) for row in told]
        for row in recorded:
            events.extend(_recorded(tenant, row))
        events.sort(key=lambda event: event.seq)
        return events


def _recorded(tenant: str, row: RecordedRow) -> Iterable[Event]:
    for number, seq in enumerate(row["seq"]):
        body = cost_body(
            seq_uid(tenant, seq),
            row["operation_id"][number],
            row["agent_id"][number],
            row["budget_id"][number],
            row["total_cost_nano"][number],
            row["currency"][number],
            row["at_us"][number],
            kind=row["kind"][number],
            used_at_us=row["used_at_us"][number],
            model_id=row["model_id"][number] or None,
            session_id=row["session_id"][number] or None,
        )
        budget_uid = uid_of(tenant, row["budget_id"][number])
        at_us = row["at_us"][number]
        yield Event(tenant, seq, COST_RECORDED, budget_uid, at_us, orjson.dumps(body).decode())
