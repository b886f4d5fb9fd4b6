"""The fold: a background worker that turns the streams of entries into rollups.

One transaction writes the nodes and moves the watermark, guarded by the watermark that it started from:
whatever dies or races, a stretch of the stream is folded once or not at all. The lease only keeps two
processes from doing the same work twice.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cypher import rollups as queries
from cypher.query import NoParams
from cypher.rollups import HeadRow
from graph.database import Database, Transaction
from graph.errors import ConstraintViolation, GraphError
from graph.rollups.lease import Leases
from graph.rollups.query import Rollups, check_unmoved, read_rollups, runs
from graph.rollups.tail import Moved
from insight import cells
from insight.cells import Segment
from insight.facts import Facts, concatenate
from insight.fold import StoredRollup, roll_up, rollup_uid
from insight.rollups import Dimension
from pricing.calendar import DAY_US

FOLD_SEQS: Final = 20_000
"""How much of a stream one transaction folds."""

WRITE_ROWS: Final = 2_000
PAUSE_SECONDS: Final = 1.0
"""How long commits are collected before they are folded; queries do not wait for it."""
BUSY_SECONDS: Final = 2.0
FAILED_SECONDS: Final = 5.0
LOOK_AROUND_SECONDS: Final = 60.0
DROP_ROLLUPS: Final = 5_000
DROP_SEGMENTS: Final = 100

TABLES: Final = tuple(dimension.column for dimension in Dimension)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """What one fold writes."""

    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    absorbed: list[str]
    days: tuple[int | None, int | None]


class Folder:
    """Folds the streams of all tenants. Thread-safe, as far as ``notify`` and ``fold_once`` go."""

    def __init__(self, database: Database, rollups: Rollups, *, fold_seqs: int = FOLD_SEQS) -> None:
        self._database = database
        self._rollups = rollups
        self._fold_seqs = fold_seqs
        self._leases = Leases(database)
        self._ready: dict[str, float] = {}
        self._changed = threading.Condition()

    def notify(self, tenant: str) -> None:
        """Something was committed."""
        with self._changed:
            if tenant not in self._ready:
                self._ready[tenant] = time.monotonic() + PAUSE_SECONDS
                self._changed.notify()

    def run(self, stop: threading.Event) -> None:
        """Fold whatever comes, until ``stop`` is set; call ``wake`` then to end it at once."""
        looked = -LOOK_AROUND_SECONDS
        while not stop.is_set():
            now = time.monotonic()
            if now - looked >= LOOK_AROUND_SECONDS:
                looked = now
                self._look_around()
            tenant = self._next(looked + LOOK_AROUND_SECONDS, stop)
            if tenant is not None and not stop.is_set():
                self._fold(tenant)

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        with self._changed:
            self._changed.notify_all()

    def fold_once(self, tenant: str) -> int | None:
        """Fold up to ``FOLD_SEQS`` numbers of a tenant's stream; how many it took off, 0 if none is left.

        None where another process has the lease or was faster.
        """
        if not self._leases.take(tenant):
            return None
        try:
            return self._fold_leased(tenant)
        except Moved:
            return None
        finally:
            self._leases.release(tenant)

    def rebuild(self, tenant: str) -> None:
        """Drop a tenant's rollups and fold its whole stream again. Queries wait for the first part only."""
        while not self._leases.take(tenant):
            time.sleep(BUSY_SECONDS)
        self._database.write(queries.BEGIN_DROP, {"tenant": tenant})
        while (folded := self.fold_once(tenant)) != 0:
            if folded is None:
                time.sleep(BUSY_SECONDS)

    # -- the worker

    def _look_around(self) -> None:
        """Find what other processes left behind."""
        try:
            for row in self._database.read(queries.BACKLOG, NoParams()):
                self.notify(row["tenant"])
        except GraphError:
            logger.warning("the fold cannot look for work", exc_info=True)

    def _next(self, until: float, stop: threading.Event) -> str | None:
        """The tenant whose turn it is, or None after ``until``."""
        with self._changed:
            while not stop.is_set():
                now = time.monotonic()
                tenant = min(self._ready, key=self._ready.__getitem__, default=None)
                if tenant is not None and self._ready[tenant] <= now:
                    del self._ready[tenant]
                    return tenant
                wake_at = until if tenant is None else min(until, self._ready[tenant])
                if wake_at <= now:
                    return None
                self._changed.wait(wake_at - now)
        return None

    def _fold(self, tenant: str) -> None:
        try:
            folded = self.fold_once(tenant)
        except Exception:  # the worker must outlive anything: rollups would fall behind for ever
            logger.exception("a fold failed; it is tried again")
            self._again(tenant, FAILED_SECONDS)
            return
        if folded is None:
            self._again(tenant, BUSY_SECONDS)
        elif folded >= self._fold_seqs:
            self._again(tenant, 0.0)

    def _again(self, tenant: str, seconds: float) -> None:
        with self._changed:
            self._ready[tenant] = time.monotonic() + seconds

    # -- one fold

    def _fold_leased(self, tenant: str) -> int:
        head = next(iter(self._database.read(queries.HEAD, {"tenant": tenant})), None)
        if head is None:
            return 0
        if head["dropping"]:
            self._drop(tenant)
            return self._fold_seqs
        after, through = head["folded_seq"], min(head["seq"], head["folded_seq"] + self._fold_seqs)
        if after == through:
            return 0
        pieces = list(self._rollups.tails.read(tenant, head["generation"], after, through))
        facts = concatenate(pieces)
        written = self._prepare(tenant, head, facts, through)
        self._write(tenant, head, written, through)
        self._rollups.tails.folded(tenant, head["generation"], through)
        return through - after

    def _prepare(self, tenant: str, head: HeadRow, facts: Facts, through: int) -> _Written:
        days = (head["first_day"], head["last_day"])
        if not len(facts):
            return _Written([], [], [], [], days)
        tree = self._rollups.trees.at(tenant, head["version"])
        sheets = roll_up(facts, self._rollups.paths.of(facts.columns["path"].labels), tree)
        uids = [rollup_uid(budget_uid, day) for budget_uid, day in sheets.keys]
        stored = list(self._stored(uids))
        known = {each.uid for each in stored}
        rows = [(each.uid in known, _rollup_row(tenant, each)) for each in sheets.plus(stored).nodes()]
        segments, absorbed = self._segments(tenant, facts, through)
        touched = (int(facts.at_us.min()) // DAY_US, int(facts.at_us.max()) // DAY_US)
        return _Written(
            [row for is_known, row in rows if not is_known],
            [row for is_known, row in rows if is_known],
            segments,
            absorbed,
            (
                touched[0] if days[0] is None else min(days[0], touched[0]),
                touched[1] if days[1] is None else max(days[1], touched[1]),
            ),
        )

    def _stored(self, uids: Sequence[str]) -> Iterator[StoredRollup]:
        for begin in range(0, len(uids), WRITE_ROWS):
            part = uids[begin : begin + WRITE_ROWS]
            found = self._database.reading(lambda each, part=part: read_rollups(each, part, TABLES))
            for nodes in found.values():
                yield from nodes

    def _segments(self, tenant: str, facts: Facts, through: int) -> tuple[list[dict[str, Any]], list[str]]:
        """The segments to write, and the uids of those that they take in."""
        fresh = dict(cells.by_day(facts))
        there: dict[int, list[Segment]] = {}
        for first, last in runs(sorted(fresh)):
            begin, end = cells.span_of(tenant, first, last)
            for row in self._database.read(queries.SEGMENTS, {"begin": begin, "end": end}):
                there.setdefault(row["day"], []).append(Segment(**row))
        taken = {day: cells.absorbed(there.get(day, ()), len(part)) for day, part in fresh.items()}
        uids = [segment.uid for segments in taken.values() for segment in segments]
        parts: dict[int, list[Facts]] = {day: [part] for day, part in fresh.items()}
        for day, part in self._read_segments(uids):
            parts[day].append(part)
        rows = [_segment_row(tenant, day, cells.merge(each), through) for day, each in parts.items()]
        return rows, uids

    def _read_segments(self, uids: Sequence[str]) -> Iterator[tuple[int, Facts]]:
        if uids:
            names = list(cells.COLUMNS)
            for row in self._database.read(queries.CELLS_BY_UID, {"uids": list(uids), "columns": names}):
                columns = dict(zip(names, row["columns"], strict=True))
                yield row["day"], cells.decode(row["day"], row["rows"], columns)

    def _write(self, tenant: str, head: HeadRow, written: _Written, through: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.run_consume(queries.LOCK, {"tenant": tenant})
            check_unmoved(transaction, tenant, head)
            for query, rows in (
                (queries.CREATE_ROLLUPS, written.created),
                (queries.UPDATE_ROLLUPS, written.updated),
                (queries.CREATE_CELLS, written.segments),
            ):
                for begin in range(0, len(rows), WRITE_ROWS):
                    transaction.run_consume(query, {"rows": rows[begin : begin + WRITE_ROWS]})
            if written.absorbed:
                transaction.run_consume(queries.DELETE_CELLS, {"uids": written.absorbed})
            first_day, last_day = written.days
            transaction.run_consume(
                queries.ADVANCE,
                {"tenant": tenant, "folded_seq": through, "first_day": first_day, "last_day": last_day},
            )

        try:
            self._database.writing(work)
        except ConstraintViolation:
            # The embedded engine lets two writers go on until one commits the nodes of both.
            self._database.reading(lambda each: check_unmoved(each, tenant, head))
            raise

    def _drop(self, tenant: str) -> None:
        begin, _ = cells.span_of(tenant, 0, 0)
        _, end = cells.span_of(tenant, 0, 999_998)
        while self._database.write(queries.DROP_ROLLUPS, {"tenant": tenant, "limit": DROP_ROLLUPS})[0][
            "dropped"
        ]:
            self._leases.take(tenant)
        uids = [row["uid"] for row in self._database.read(queries.SEGMENTS, {"begin": begin, "end": end})]
        for start in range(0, len(uids), DROP_SEGMENTS):
            self._database.write(queries.DELETE_CELLS, {"uids": uids[start : start + DROP_SEGMENTS]})
            self._leases.take(tenant)
        self._database.write(queries.END_DROP, {"tenant": tenant})


def _rollup_row(tenant: str, each: StoredRollup) -> dict[str, Any]:
    properties: dict[str, Any] = {name: data for name, data in each.tables.items() if data is not None}
    properties |= {
        "tenant": tenant,
        "budget_uid": each.budget_uid,
        "day": each.day,
        "total": each.total,
        "own": each.own,
    }
    return {"uid": each.uid, "budget_uid": each.budget_uid, "properties": properties}


def _segment_row(tenant: str, day: int, facts: Facts, through: int) -> dict[str, Any]:
    properties: dict[str, Any] = {"tenant": tenant, "day": day, "rows": len(facts)}
    properties |= cells.encode(day, facts)
    return {"uid": cells.segment_uid(tenant, day, through), "properties": properties}
