"""Answers to rollup queries: folded nodes up to the watermark, plus the unfolded tail."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from cypher import rollups as queries
from cypher.health import FOLD_LAG
from cypher.query import NoParams
from cypher.rollups import HeadRow, UidsAndColumns
from graph.database import Database, Transaction
from graph.ledger import Trees
from graph.rollups.stream import Paths, read_between
from graph.rollups.tail import Moved, Tails
from insight.answer import Answer, columns_needed
from insight.cells import decode, span_of
from insight.errors import InsightError, NotSettled, UnknownBudget
from insight.facts import QUARTER_US, Facts
from insight.fold import StoredRollup
from insight.plan import Plan, Span, plan
from insight.rollups import MEASURES, RollupQuery, RollupResult
from ledger.tree import BudgetTree
from pricing.calendar import DAY_US

T = TypeVar("T")

ATTEMPTS: Final = 20
PAUSE_SECONDS: Final = 0.01
"""Between two attempts: a fold's commit takes about as long."""
PATIENCE: Final = 10
"""After how many attempts a query keeps the fold from moving: who began a commit may have died in it."""
DAYS_AT_ONCE: Final = 31


class Rollups:
    """Rollups of all tenants. Thread-safe. Shares ``tails`` and ``paths`` with the process's ``Folder``."""

    def __init__(self, database: Database, trees: Trees) -> None:
        self._database = database
        self.trees = trees
        self.tails = Tails(database)
        self.paths = Paths(database)

    def query(self, tenant: str, asked: Sequence[RollupQuery]) -> list[RollupResult]:
        """Answer some queries at one moment, in few round trips.

        Raises ``InvalidQuery``, ``UnknownBudget``, ``SumOutOfRange``, ``pricing.errors.UnknownTimezone``,
        ``NotSettled`` while rollups are rebuilt.
        """
        for number in range(ATTEMPTS):
            try:
                return self._attempt(tenant, asked, locked=number >= PATIENCE)
            except Moved:
                time.sleep(PAUSE_SECONDS)
        raise NotSettled("Rollups are changing faster than they can be read; ask again.")

    def behind(self, tenant: str) -> int:
        """How many numbers of the tenant's sequence are not folded yet."""
        rows = self._database.read(queries.HEAD, {"tenant": tenant})
        return sum(row["seq"] - row["folded_seq"] for row in rows)

    def lag(self) -> int:
        """How many numbers the tenant that is furthest behind has not folded yet."""
        (row,) = self._database.read(FOLD_LAG, NoParams())
        return row["entries"]

    def _attempt(self, tenant: str, asked: Sequence[RollupQuery], *, locked: bool) -> list[RollupResult]:
        def work(transaction: Transaction, head: HeadRow | None) -> list[Answer]:
            tree = BudgetTree(tenant) if head is None else self.trees.at(tenant, head["version"])
            answers = [Answer(_planned(query, tree, head), tree, self.paths.known) for query in asked]
            if head is not None:
                answers = _with_rollups(transaction, answers)
                self._add_cells(transaction, tenant, answers)
                self._add_ragged(transaction, tenant, answers, head["folded_seq"])
            return answers

        head, answers = standing(self._database, tenant, work, locked=locked)
        if head is None:
            return [answer.result(0) for answer in answers]
        for facts in self.tails.read(tenant, head["generation"], head["folded_seq"], head["seq"]):
            self.paths.load(facts)
            for answer in answers:
                answer.add_unfolded(facts)
        return [answer.result(head["last_now_us"]) for answer in answers]

    def _add_cells(self, transaction: Transaction, tenant: str, answers: Sequence[Answer]) -> None:
        days = sorted({day for answer in answers for day in answer.plan.utc_days})
        names = ["slot", *columns_needed([answer.plan for answer in answers]), *MEASURES]
        for facts in read_cells(transaction, tenant, days, names):
            self.paths.load(facts)
            for answer in answers:
                answer.add_cells(facts)

    def _add_ragged(
        self, transaction: Transaction, tenant: str, answers: Sequence[Answer], folded_seq: int
    ) -> None:
        for slot in sorted({slot for answer in answers for slot in answer.ragged}):
            facts = read_between(transaction, tenant, slot, slot + QUARTER_US, folded_seq)
            self.paths.load(facts)
            for answer in answers:
                answer.add_ragged(facts)


def _planned(query: RollupQuery, tree: BudgetTree, head: HeadRow | None) -> Plan:
    budget = tree.get(query.budget_uid)
    if budget is None:
        raise UnknownBudget("No such budget.", field="budgetId")
    if head is not None and head["dropping"]:
        raise NotSettled("Rollups are being rebuilt; ask again in a moment.")
    return plan(query, budget, None if head is None else folded_span(head))


def folded_span(head: HeadRow) -> Span | None:
    """The stretch of time, in whole UTC days, that everything folded lies in."""
    first, last = head["first_day"], head["last_day"]
    return None if first is None or last is None else (first * DAY_US, (last + 1) * DAY_US)


def _with_rollups(transaction: Transaction, answers: Sequence[Answer]) -> list[Answer]:
    """The answers with the Rollup nodes that they plan with; those that these cannot tell plan anew."""
    uids = sorted({uid for answer in answers for uid in answer.plan.rollup_uids})
    columns = sorted({dimension.column for answer in answers for dimension in answer.plan.query.by})
    found = read_rollups(transaction, uids, columns) if uids else {}
    added: list[Answer] = []
    for answer in answers:
        days = range(*answer.plan.days)
        nodes = [node for node in found.get(answer.plan.budget.uid, ()) if node.day in days]
        added.append(answer if answer.add_rollups(nodes) else answer.finer())
    return added


def read_rollups(
    transaction: Transaction, uids: Sequence[str], columns: Sequence[str]
) -> dict[str, list[StoredRollup]]:
    """Those of the Rollup nodes that exist, with tables of some dimensions, by budget uid."""
    params: UidsAndColumns = {"uids": list(uids), "columns": list(columns)}
    found: dict[str, list[StoredRollup]] = {}
    for row in transaction.run(queries.ROLLUPS, params):
        nodes = zip(row["days"], row["totals"], row["owns"], row["tables"], strict=True)
        found[row["budget_uid"]] = [
            StoredRollup(row["budget_uid"], day, total, own, dict(zip(columns, tables, strict=True)))
            for day, total, own, tables in nodes
        ]
    return found


def read_cells(
    transaction: Transaction, tenant: str, days: Sequence[int], names: Sequence[str]
) -> Iterator[Facts]:
    """The Cells of some days, ascending, with some of their columns; about a month is held at once."""
    for first, last in runs(days, DAYS_AT_ONCE):
        begin, end = span_of(tenant, first, last)
        for row in transaction.run(queries.CELLS, {"begin": begin, "end": end, "columns": list(names)}):
            yield decode(row["day"], row["rows"], dict(zip(names, row["columns"], strict=True)))


def runs(days: Sequence[int], longest: int) -> list[tuple[int, int]]:
    """Ascending days as stretches without a gap, (first, last), of at most ``longest`` days."""
    found: list[tuple[int, int]] = []
    for day in days:
        if found and found[-1][1] == day - 1 and day - found[-1][0] < longest:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def standing(
    database: Database,
    tenant: str,
    work: Callable[[Transaction, HeadRow | None], T],
    *,
    locked: bool = False,
) -> tuple[HeadRow | None, T]:
    """The fold's head, and what ``work`` reads of the fold while it stands still.

    ``locked`` keeps it from moving; else it raises ``Moved`` where the fold moved, or is being committed.
    """

    def attempt(transaction: Transaction) -> tuple[HeadRow | None, T]:
        if locked:
            transaction.run_consume(queries.LOCK, {"tenant": tenant})
        head = next(iter(transaction.run(queries.HEAD, {"tenant": tenant})), None)
        if head is None:
            return None, work(transaction, None)
        if head["begun"] != head["ended"] and not locked:
            raise Moved
        try:
            found = work(transaction, head)
        except (LookupError, TypeError, ValueError, InsightError):
            # Half of a commit may look like anything.
            _check_unmoved(transaction, tenant, head)
            raise
        _check_unmoved(transaction, tenant, head)
        return head, found

    return (database.writing if locked else database.reading)(attempt)


def _check_unmoved(transaction: Transaction, tenant: str, head: HeadRow) -> None:
    """Raise ``Moved`` unless the fold is where it was when ``head`` was read, and none was begun since."""
    (now,) = transaction.run(queries.WATERMARK, {"tenant": tenant})
    if not now.items() <= head.items():
        raise Moved
