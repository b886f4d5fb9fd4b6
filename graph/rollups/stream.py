"""The stream of entries, in columns; and charge paths, which never change, by uid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from cypher import rollups as queries
from cypher.rollups import FactsRow, KeySpan, TimeSpan
from graph.database import Database, Transaction
from graph.ledger.usage_rows import resource_type_of
from insight.facts import LABELS, Facts, concatenate
from insight.grouping import Ints
from insight.rollups import MEASURES
from ledger.changes import Changes
from ledger.model import ChargePath, seq_uid


class _NoCost:
    prompt_cost_nano = completion_cost_nano = other_cost_nano = 0


_NO_COST: Final = _NoCost()


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
    """Read a stretch of a tenant's stream. What has a seq is committed and never changes."""
    span: KeySpan = {"after": seq_uid(tenant, after), "through": seq_uid(tenant, through)}

    def work(transaction: Transaction) -> list[FactsRow]:
        return transaction.run(queries.ENTRIES, span) + transaction.run(queries.UNPRICED, span)

    rows = database.reading(work)
    seqs = np.concatenate([np.array(row["seq"], dtype=np.int64) for row in rows])
    return Block(after, through, seqs, concatenate([_facts(row) for row in rows]))


def block_of(changes: Changes) -> Block | None:
    """What a committed batch adds to its tenant's stream; None where that is nothing or not all of it."""
    operations = changes.operations
    seqs = [
        operation.unpriced_seq if operation.entry is None else operation.entry.seq for operation in operations
    ]
    numbers = [seq for seq in seqs if seq is not None]
    taken = numbers + [event.seq for event in changes.events]
    if not numbers or len(taken) != max(taken) - min(taken) + 1:
        return None
    sent = [operation.usage.sent for operation in operations]
    counts = [operation.usage.counts for operation in operations]
    entries = [operation.entry or _NO_COST for operation in operations]
    labels = {
        "path": [operation.path_uid for operation in operations],
        "agent": [each.agent_id for each in sent],
        "model": [each.model_id or "" for each in sent],
        "provider": [operation.provider or "" for operation in operations],
        "capability": [each.capability_type for each in sent],
        "user": [operation.user_id or "" for operation in operations],
        "category": [each.category for each in sent],
        "outcome": [each.outcome.value for each in sent],
        "resource_type": [resource_type_of(operation.usage.resource) for operation in operations],
    }
    measures = [
        [1] * len(sent),
        [each.prompt_tokens for each in counts],
        [each.completion_tokens for each in counts],
        [each.prompt_cost_nano for each in entries],
        [each.completion_cost_nano for each in entries],
        [each.other_cost_nano for each in entries],
        [0 if (r := operation.usage.resource) is None else r.quantity_nano for operation in operations],
    ]
    facts = Facts.of([operation.timestamp_us for operation in operations], labels, measures)
    return Block(min(taken) - 1, max(taken), np.array(numbers, dtype=np.int64), facts)


def read_between(
    transaction: Transaction, tenant: str, begin_us: int, end_us: int, through_seq: int
) -> Facts:
    """The facts of usage in [begin_us, end_us), as far as their seq is at most ``through_seq``."""
    span: TimeSpan = {
        "begin": f"{tenant}/{begin_us:016d}",
        "end": f"{tenant}/{end_us:016d}",
        "through_seq": through_seq,
    }
    rows = transaction.run(queries.ENTRIES_BY_TIME, span) + transaction.run(queries.UNPRICED_BY_TIME, span)
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
        missing = [uid for uid in facts.columns["path"].labels if uid not in self.known]
        if missing:
            for row in self._database.read(queries.PATHS, {"uids": missing}):
                tenant, _, _ = row["uid"].partition("/")
                path = ChargePath(row["uid"], tenant, tuple(row["chain"]), tuple(row["scoped"]))
                self.known[path.uid] = path
