"""The stream of entries, in columns; and charge paths, which never change, by uid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from cypher import rollups as queries
from cypher.rollups import FactsRow, KeySpan, TimeSpan
from graph.database import Database, Transaction
from insight.facts import LABELS, Facts, concatenate
from insight.grouping import Ints
from insight.rollups import MEASURES
from ledger.model import ChargePath, seq_uid


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """All facts of the seqs above ``after``, up to and with ``through``, in no order."""

    after: int
    through: int
    seqs: Ints
    facts: Facts

    def above(self, seq: int) -> Facts:
        """The facts with a greater seq."""
        return self.facts if seq <= self.after else self.facts.take(self.seqs > seq)

    def upto(self, seq: int) -> Facts:
        """The facts with at most that seq."""
        return self.facts if seq >= self.through else self.facts.take(self.seqs <= seq)


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
    """Charge paths by uid, kept for the life of the process. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, ChargePath] = {}

    def of(self, uids: Iterable[str]) -> Mapping[str, ChargePath]:
        """All known paths; those asked for are among them."""
        missing = [uid for uid in dict.fromkeys(uids) if uid not in self._known]
        if missing:
            for row in self._database.read(queries.PATHS, {"uids": missing}):
                tenant, _, _ = row["uid"].partition("/")
                path = ChargePath(row["uid"], tenant, tuple(row["chain"]), tuple(row["scoped"]))
                self._known[path.uid] = path
        return self._known
