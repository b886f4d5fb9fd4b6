"""One fold: a stretch of a tenant's stream, added to its Rollup and Cells nodes.

One transaction writes the nodes and moves the watermark, guarded by the watermark that it started from:
whatever dies or races, a stretch is folded once or not at all. The lease only keeps two processes from
doing the same work twice.

An engine shows readers a commit piece by piece, so each commit has a number: ``begun`` before it, ``ended``
when it is there whole. Who reads between two looks at equal numbers has read what belongs together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cypher import rollups as queries
from cypher.rollups import AdvanceParams, HeadRow
from graph.database import Database, Transaction
from graph.errors import ConstraintViolation
from graph.rollups.lease import Leases
from graph.rollups.query import DAYS_AT_ONCE, Rollups, read_rollups, runs
from graph.rollups.tail import Moved
from insight import cells
from insight.cells import Segment
from insight.facts import Facts, concatenate
from insight.fold import StoredRollup, roll_up, rollup_uid
from insight.rollups import Dimension
from pricing.calendar import DAY_US

NODES_AT_ONCE: Final = 2_000
DROP_ROLLUPS: Final = 5_000
DROP_SEGMENTS: Final = 100

TABLES: Final = tuple(dimension.column for dimension in Dimension)


class Step(NamedTuple):
    """How many numbers of the stream one fold took off, and how many are left."""

    folded: int
    left: int


@dataclass(frozen=True, slots=True)
class _Written:
    """What one fold writes; ``days`` are the first and last UTC day of all that is folded then."""

    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    absorbed: list[str]
    days: tuple[int | None, int | None]


class Fold:
    """Folds of any tenant, one at a time."""

    def __init__(self, database: Database, rollups: Rollups) -> None:
        self._database = database
        self._rollups = rollups
        self._leases = Leases(database)

    def step(self, tenant: str, seqs: int) -> Step | None:
        """Fold at most ``seqs`` numbers. None where another process has the lease or was faster."""
        if not self._leases.take(tenant):
            return None
        try:
            return self._leased(tenant, seqs)
        except Moved:
            return None
        finally:
            self._leases.release(tenant)

    def begin_drop(self, tenant: str) -> bool:
        """Have the next step drop all rollups of a tenant and begin anew. False where another one folds."""
        if not self._leases.take(tenant):
            return False
        self._database.write(queries.BEGIN_DROP, {"tenant": tenant})
        return True

    def _leased(self, tenant: str, seqs: int) -> Step:
        head = next(iter(self._database.read(queries.HEAD, {"tenant": tenant})), None)
        if head is None:
            return Step(0, 0)
        if head["dropping"]:
            self._drop(tenant)
            return Step(0, head["seq"])
        after, through = head["folded_seq"], min(head["seq"], head["folded_seq"] + seqs)
        if after < through:
            facts = concatenate(list(self._rollups.tails.read(tenant, head["generation"], after, through)))
            self._write(tenant, head, self._prepare(tenant, head, facts, through), through)
            self._rollups.tails.folded(tenant, head["generation"], through)
        return Step(through - after, head["seq"] - through)

    def _prepare(self, tenant: str, head: HeadRow, facts: Facts, through: int) -> _Written:
        first_day, last_day = head["first_day"], head["last_day"]
        if not len(facts):
            return _Written([], [], [], [], (first_day, last_day))
        tree = self._rollups.trees.at(tenant, head["version"])
        self._rollups.paths.load(facts)
        sheets = roll_up(facts, self._rollups.paths.known, tree)
        stored = list(self._stored([rollup_uid(*key) for key in sheets.keys]))
        known = {each.uid for each in stored}
        created: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        for node in sheets.plus(stored).nodes():
            (updated if node.uid in known else created).append(_rollup_row(tenant, node))
        first, last = int(facts.at_us.min()) // DAY_US, int(facts.at_us.max()) // DAY_US
        days = (
            first if first_day is None else min(first_day, first),
            last if last_day is None else max(last_day, last),
        )
        return _Written(created, updated, *self._segments(tenant, facts, through), days)

    def _stored(self, uids: Sequence[str]) -> Iterator[StoredRollup]:
        for begin in range(0, len(uids), NODES_AT_ONCE):
            part = uids[begin : begin + NODES_AT_ONCE]
            found = self._database.reading(lambda each, part=part: read_rollups(each, part, TABLES))
            for nodes in found.values():
                yield from nodes

    def _segments(self, tenant: str, facts: Facts, through: int) -> tuple[list[dict[str, Any]], list[str]]:
        """The segments to write, and the uids of those that they take in."""
        parts = {day: [part] for day, part in cells.by_day(facts)}
        there: dict[int, list[Segment]] = {}
        for first, last in runs(sorted(parts), DAYS_AT_ONCE):
            begin, end = cells.span_of(tenant, first, last)
            for row in self._database.read(queries.SEGMENTS, {"begin": begin, "end": end}):
                there.setdefault(row["day"], []).append(Segment(**row))
        taken = [
            segment.uid
            for day, (fresh,) in parts.items()
            for segment in cells.absorbed(there.get(day, ()), len(fresh))
        ]
        for day, part in self._read_segments(taken):
            parts[day].append(part)
        rows = [_segment_row(tenant, day, cells.merge(each), through) for day, each in parts.items()]
        return rows, taken

    def _read_segments(self, uids: Sequence[str]) -> Iterator[tuple[int, Facts]]:
        if uids:
            names = list(cells.COLUMNS)
            for row in self._database.read(queries.CELLS_BY_UID, {"uids": list(uids), "columns": names}):
                columns = dict(zip(names, row["columns"], strict=True))
                yield row["day"], cells.decode(row["day"], row["rows"], columns)

    def _write(self, tenant: str, head: HeadRow, written: _Written, through: int) -> None:
        def work(transaction: Transaction) -> None:
            for query, rows in (
                (queries.CREATE_ROLLUPS, written.created),
                (queries.UPDATE_ROLLUPS, written.updated),
                (queries.CREATE_CELLS, written.segments),
            ):
                for begin in range(0, len(rows), NODES_AT_ONCE):
                    transaction.run_consume(query, {"rows": rows[begin : begin + NODES_AT_ONCE]})
            if written.absorbed:
                transaction.run_consume(queries.DELETE_CELLS, {"uids": written.absorbed})
            # In a transaction of its own: from here to the lease's release readers know that they may
            # see half of what this one commits. So late, they wait for a commit and not for the writing.
            (mark,) = self._database.write(queries.BEGIN, {"tenant": tenant})
            first_day, last_day = written.days
            params: AdvanceParams = {
                "tenant": tenant,
                "after_seq": head["folded_seq"],
                "generation": head["generation"],
                "begun": mark["begun"],
                "folded_seq": through,
                "first_day": first_day,
                "last_day": last_day,
            }
            if not transaction.run(queries.ADVANCE, params):
                raise Moved

        try:
            self._database.writing(work)
        except ConstraintViolation:
            # Two folds may write the same nodes until one of them commits.
            (now,) = self._database.read(queries.HEAD, {"tenant": tenant})
            if (now["folded_seq"], now["generation"]) != (head["folded_seq"], head["generation"]):
                raise Moved from None
            raise

    def _drop(self, tenant: str) -> None:
        """Drop everything; whoever dies in the middle leaves the rest to the next step of anybody."""
        drop: queries.DropParams = {"tenant": tenant, "limit": DROP_ROLLUPS}
        while self._database.write(queries.DROP_ROLLUPS, drop)[0]["dropped"]:
            self._leases.take(tenant)
        begin, end = cells.span_of(tenant, *cells.ALL_DAYS)
        uids = [row["uid"] for row in self._database.read(queries.SEGMENTS, {"begin": begin, "end": end})]
        for start in range(0, len(uids), DROP_SEGMENTS):
            self._database.write(queries.DELETE_CELLS, {"uids": uids[start : start + DROP_SEGMENTS]})
            self._leases.take(tenant)
        self._database.write(queries.END_DROP, {"tenant": tenant})


def _rollup_row(tenant: str, node: StoredRollup) -> dict[str, Any]:
    properties: dict[str, Any] = {name: data for name, data in node.tables.items() if data is not None}
    properties |= {
        "tenant": tenant,
        "budget_uid": node.budget_uid,
        "day": node.day,
        "total": node.total,
        "own": node.own,
    }
    return {"uid": node.uid, "budget_uid": node.budget_uid, "properties": properties}


def _segment_row(tenant: str, day: int, facts: Facts, through: int) -> dict[str, Any]:
    properties: dict[str, Any] = {"tenant": tenant, "day": day, "rows": len(facts)}
    properties |= cells.encode(day, facts)
    return {"uid": cells.segment_uid(tenant, day, through), "properties": properties}
