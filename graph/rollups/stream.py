"""The stream of entries, in columns; and charge paths, which never change, by uid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from cypher import rollups as queries
from cypher.ledger import COUNT_EVENTS, KeySpan
from cypher.rollups import FactsRow, TimeSpan
from graph.database import Database, Transaction
from graph.ledger.archive_rows import stretches
from graph.ledger.settled import settled_head, whole_stretch
from graph.ledger.usage_rows import resource_type_of
from insight.facts import LABELS, Facts, concatenate
from insight.grouping import Ints
from insight.rollups import MEASURES
from ledger.changes import Changes, RecordedOperation
from ledger.model import ChargePath


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """All facts of the seqs above ``after``, up to and with ``through``, in no order."""

    after: int
    through: int
    seqs: Ints
    facts: Facts

    def above(self, seq: int) -> "Block":
        """What has a greater seq."""
        return self if seq <= self.after else self._take(self.seqs > seq, seq, self.through)

    def upto(self, seq: int) -> "Block":
        """What has at most that seq."""
        return self if seq >= self.through else self._take(self.seqs <= seq, self.after, seq)

    def _take(self, rows: NDArray[np.bool_], after: int, through: int) -> "Block":
        return Block(after, through, self.seqs[rows], self.facts.take(rows))


def join(blocks: "list[Block]") -> Block:
    """Neighbours as one."""
    return Block(
        blocks[0].after,
        blocks[-1].through,
        np.concatenate([each.seqs for each in blocks]),
        concatenate([each.facts for each in blocks]),
    )


def read_block(database: Database, tenant: str, after: int, through: int) -> Block:
    """Read a stretch of a tenant's stream, all of it. What has a seq is committed and never changes."""

    def read(transaction: Transaction, span: KeySpan) -> tuple[list[FactsRow], int]:
        rows = transaction.run(queries.ENTRIES, span) + transaction.run(queries.UNPRICED, span)
        return rows, sum(len(row["seq"]) for row in rows)

    rows = whole_stretch(database, tenant, after, through, read, [COUNT_EVENTS])
    seqs = np.concatenate([np.array(row["seq"], dtype=np.int64) for row in rows])
    return Block(after, through, seqs, concatenate([_facts(row) for row in rows]))


class Offer(NamedTuple):
    """What a committed batch adds to its tenant's stream: all seqs above ``after``, up to ``through``."""

    after: int
    through: int
    rows: list[tuple[Any, ...]]
    """``(seq, instant, *LABELS, *MEASURES)`` each: made where every commit passes, so no more than that."""


def offer_of(changes: Changes) -> Offer | None:
    """What is offered of a committed batch; None where that is nothing or not all of it."""
    rows = [_row(each) for each in changes.operations]
    if not rows:
        return None
    taken = [row[0] for row in rows]
    taken.extend(event.seq for event in changes.events)
    after, through = min(taken) - 1, max(taken)
    return Offer(after, through, rows) if through - after == len(taken) else None


def _row(operation: RecordedOperation) -> tuple[Any, ...]:
    sent, counts, entry = operation.usage.sent, operation.usage.counts, operation.entry
    resource = operation.usage.resource
    return (
        operation.unpriced_seq if entry is None else entry.seq,
        operation.timestamp_us,
        operation.path_uid,
        sent.agent_id,
        sent.model_id or "",
        operation.provider or "",
        sent.capability_type,
        operation.user_id or "",
        sent.category,
        sent.outcome.value,
        resource_type_of(resource),
        1,
        counts.prompt_tokens,
        counts.completion_tokens,
        0 if entry is None else entry.prompt_cost_nano,
        0 if entry is None else entry.completion_cost_nano,
        0 if entry is None else entry.other_cost_nano,
        0 if resource is None else resource.quantity_nano,
    )


def block_of(offers: Sequence[Offer]) -> Block:
    """Neighbours as one block."""
    seqs, at_us, *columns = zip(*(row for offer in offers for row in offer.rows), strict=True)
    labels = dict(zip(LABELS, columns, strict=False))
    facts = Facts.of(at_us, labels, columns[len(LABELS) :])
    return Block(offers[0].after, offers[-1].through, np.array(seqs, dtype=np.int64), facts)


def read_between(
    transaction: Transaction, tenant: str, begin_us: int, end_us: int, through_seq: int
) -> Facts:
    """The facts of usage in [begin_us, end_us), archived or not, with a seq of at most ``through_seq``."""
    rows: list[FactsRow] = []
    for begin, end in stretches(tenant, begin_us, end_us):
        span: TimeSpan = {"begin": begin, "end": end, "through_seq": through_seq}
        rows += transaction.run(queries.ENTRIES_BY_TIME, span)
        rows += transaction.run(queries.UNPRICED_BY_TIME, span)
    return concatenate([_facts(row) for row in rows])


def _facts(row: FactsRow) -> Facts:
    columns = cast("Mapping[str, list[Any]]", row)
    return Facts.of(
        row["at_us"], {name: columns[name] for name in LABELS}, [columns[name] for name in MEASURES]
    )


class Paths:
    """Charge paths by uid, ``known`` for the life of the process. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.known: dict[str, ChargePath] = {}

    def load(self, facts: Facts) -> None:
        """Know all paths of some facts."""
        if missing := self._missing(facts):
            self._read(missing)
        if missing := self._missing(facts):
            # They came with these facts in one commit, of which that much is not to be seen yet.
            settled_head(self._database, missing[0].partition("/")[0])
            self._read(missing)

    def _missing(self, facts: Facts) -> list[str]:
        return [uid for uid in facts.columns["path"].labels if uid not in self.known]

    def _read(self, uids: list[str]) -> None:
        for row in self._database.read(queries.PATHS, {"uids": uids}):
            tenant, _, _ = row["uid"].partition("/")
            path = ChargePath(row["uid"], tenant, tuple(row["chain"]), tuple(row["scoped"]))
            self.known[path.uid] = path
