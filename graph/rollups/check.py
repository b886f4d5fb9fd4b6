"""Rollups against entries: every node recomputed from usage, read by time and not by the stream.

Days are compared one by one, each at a moment at which the fold stood still, so that it runs beside traffic
and in bounded memory.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from cypher import rollups as queries
from cypher.rollups import HeadRow
from graph.database import Database, Transaction
from graph.ledger.archive_rows import stretches
from graph.rollups.lease import Leases
from graph.rollups.query import Rollups, folded_span, read_cells, read_rollups, standing
from graph.rollups.stream import read_between
from graph.rollups.tail import Moved
from insight import cells
from insight.compare import Difference, cells_difference, rollup_difference
from insight.errors import NotSettled
from insight.facts import Facts
from insight.fold import StoredRollup, roll_up, rollup_uid
from insight.plan import Span
from insight.rollups import Dimension
from ledger.check import Finding
from ledger.model import Budget, id_of
from pricing.calendar import DAY_US, INSTANT_MAX_US, day_date, day_number, day_start_us, zone

USAGES_AT_ONCE: Final = 20_000
NODES_AT_ONCE: Final = 2_000
ATTEMPTS: Final = 5
WAITS: Final = 60
WAIT_SECONDS: Final = 1.0

T = TypeVar("T")

TABLES: Final = tuple(dimension.column for dimension in Dimension)


class RollupCheck:
    """Compares the rollups of a tenant with its entries."""

    def __init__(self, database: Database, rollups: Rollups) -> None:
        self._database = database
        self._rollups = rollups
        self._leases = Leases(database)

    def compare(self, tenant: str, budget_uid: str | None = None) -> list[Finding]:
        """Where rollups differ from entries: those of one budget and what is below it, or of the tenant.

        Raises ``NotSettled`` while rollups are rebuilt. An empty list means that all agree.
        """
        if self._rollups.trees.head(tenant) is None:
            return []
        tree = self._rollups.trees.get(tenant)
        budgets = tree.all() if budget_uid is None else list(tree.subtree(budget_uid))
        span = self._span(tenant)
        findings: list[Finding] = []
        for name in sorted({each.rollup_timezone for each in budgets}):
            of_zone = [each for each in budgets if each.rollup_timezone == name]
            for day in _days(span, zone(name)):
                findings.extend(self._rollup_findings(tenant, of_zone, day, zone(name)))
        if budget_uid is None:
            findings.extend(self._outside_findings(tenant, span))
            for day in _days(span, zone("UTC")):
                findings.extend(self._cells_findings(tenant, day))
        return findings

    def _rollup_findings(
        self, tenant: str, budgets: Sequence[Budget], day: int, where: ZoneInfo
    ) -> Iterator[Finding]:
        uids = {rollup_uid(each.uid, day): each.uid for each in budgets}

        def work(transaction: Transaction, head: HeadRow) -> list[tuple[str, Difference]]:
            expected: dict[str, StoredRollup] = {}
            tree = self._rollups.trees.at(tenant, head["version"])
            span = (day_start_us(day, where), day_start_us(day + 1, where))
            for facts in _facts(transaction, tenant, span, head["folded_seq"]):
                self._rollups.paths.load(facts)
                sheets = roll_up(facts, self._rollups.paths.known, tree)
                keys = [rollup_uid(*key) for key in sheets.keys]
                for node in sheets.plus([expected[key] for key in keys if key in expected]).nodes():
                    expected[node.uid] = node
            actual = {node.uid: node for node in _stored(transaction, list(uids))}
            return [
                (uid, difference)
                for key, uid in uids.items()
                if (difference := rollup_difference(expected.get(key), actual.get(key))) is not None
            ]

        for uid, difference in self._still(tenant, work):
            yield _finding("rollup", day, id_of(uid), difference)

    def _cells_findings(self, tenant: str, day: int) -> Iterator[Finding]:
        def work(transaction: Transaction, head: HeadRow) -> Difference | None:
            span = (day * DAY_US, (day + 1) * DAY_US)
            expected = [facts.by_quarter() for facts in _facts(transaction, tenant, span, head["folded_seq"])]
            return cells_difference(
                expected, list(read_cells(transaction, tenant, [day], list(cells.COLUMNS)))
            )

        difference = self._still(tenant, work)
        if difference is not None:
            yield _finding("cells", day, None, difference)

    def _outside_findings(self, tenant: str, span: Span) -> Iterator[Finding]:
        """Queries look no further than the days that the fold says it has filled."""

        def work(transaction: Transaction, head: HeadRow) -> int:
            begin_us, end_us = folded_span(head) or (span[1], span[1])
            outside = ((span[0], min(begin_us, span[1])), (max(end_us, span[0]), span[1]))
            return sum(
                len(facts)
                for begin, end in outside
                if begin < end
                for facts in _facts(transaction, tenant, (begin, end), head["folded_seq"])
            )

        if missed := self._still(tenant, work):
            yield Finding("rollup_days", None, "all entries within", f"{missed} outside")

    def _span(self, tenant: str) -> Span:
        """From the first to the last usage, or further where the fold was further."""

        def work(transaction: Transaction, head: HeadRow) -> Span:
            spans = [
                (row["at_us"], row["at_us"] + 1)
                for begin, end in stretches(tenant, 0, INSTANT_MAX_US)
                for query in (queries.FIRST_USAGE, queries.LAST_USAGE)
                for row in transaction.run(query, {"begin": begin, "end": end})
            ]
            folded = folded_span(head)
            spans += [] if folded is None else [folded]
            return min((each[0] for each in spans), default=0), max((each[1] for each in spans), default=0)

        return self._still(tenant, work)

    def _still(self, tenant: str, work: Callable[[Transaction, HeadRow], T]) -> T:
        """What ``work`` reads while the fold stands still: by luck, else under its lease."""
        for _ in range(ATTEMPTS):
            with contextlib.suppress(Moved):
                return self._attempt(tenant, work)
        for _ in range(WAITS):
            if self._leases.take(tenant):
                try:
                    return self._attempt(tenant, work)
                except Moved:
                    pass
                finally:
                    self._leases.release(tenant)
            time.sleep(WAIT_SECONDS)
        raise NotSettled("The fold does not stand still long enough to be checked; try again.")

    def _attempt(self, tenant: str, work: Callable[[Transaction, HeadRow], T]) -> T:
        def attempt(transaction: Transaction, head: HeadRow | None) -> T:
            if head is None or head["dropping"]:
                raise NotSettled("Rollups are being rebuilt; check again in a moment.")
            return work(transaction, head)

        return standing(self._database, tenant, attempt)[1]


def _facts(transaction: Transaction, tenant: str, span: Span, through_seq: int) -> Iterator[Facts]:
    """The entries of a stretch of time, in pieces of at most ``USAGES_AT_ONCE`` usages."""
    begin_us, end_us = span
    usages = sum(
        row["usages"]
        for begin, end in stretches(tenant, begin_us, end_us)
        for row in transaction.run(queries.COUNT_BETWEEN, {"begin": begin, "end": end})
    )
    if usages > USAGES_AT_ONCE and end_us - begin_us > 1:
        middle_us = (begin_us + end_us) // 2
        yield from _facts(transaction, tenant, (begin_us, middle_us), through_seq)
        yield from _facts(transaction, tenant, (middle_us, end_us), through_seq)
    elif usages:
        facts = read_between(transaction, tenant, begin_us, end_us, through_seq)
        if len(facts):
            yield facts


def _stored(transaction: Transaction, uids: Sequence[str]) -> Iterator[StoredRollup]:
    for part in range(0, len(uids), NODES_AT_ONCE):
        for nodes in read_rollups(transaction, uids[part : part + NODES_AT_ONCE], TABLES).values():
            yield from nodes


def _days(span: Span, where: ZoneInfo) -> range:
    begin_us, end_us = span
    if begin_us >= end_us:
        return range(0)
    return range(day_number(begin_us, where), day_number(end_us - 1, where) + 1)


def _finding(kind: str, day: int, budget_id: str | None, difference: Difference) -> Finding:
    name = f"{kind} {day_date(day).isoformat()} {difference.what}"
    return Finding(name, budget_id, difference.expected, difference.actual)
