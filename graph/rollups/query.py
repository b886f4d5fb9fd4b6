"""Answers to rollup queries: folded nodes up to the watermark, plus the unfolded tail."""

from collections.abc import Iterable, Sequence
from typing import Final

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
from insight.errors import NotSettled, UnknownBudget
from insight.facts import QUARTER_US, Facts
from insight.fold import StoredRollup
from insight.plan import Plan, Span, plan
from insight.ports import Budgets
from insight.rollups import MEASURES, RollupQuery, RollupResult
from ledger.tree import BudgetTree
from pricing.calendar import DAY_US

ATTEMPTS: Final = 20


class _Read:
    """What one read transaction found for some queries."""

    def __init__(self) -> None:
        self.rollups: dict[str, list[StoredRollup]] = {}
        self.cells: list[Facts] = []
        self.ragged: list[Facts] = []


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
        finer: set[int] = set()
        for _ in range(ATTEMPTS):
            try:
                results = self._attempt(tenant, asked, finer)
            except Moved:
                continue
            if results is not None:
                return results
        raise NotSettled("Rollups are changing faster than they can be read; ask again.")

    def behind(self, tenant: str) -> int:
        """How many numbers of the tenant's sequence are not folded yet."""
        rows = self._database.read(queries.HEAD, {"tenant": tenant})
        return sum(row["seq"] - row["folded_seq"] for row in rows)

    def lag(self) -> int:
        """How many numbers the tenant that is furthest behind has not folded yet."""
        (row,) = self._database.read(FOLD_LAG, NoParams())
        return row["entries"]

    def _attempt(
        self, tenant: str, asked: Sequence[RollupQuery], finer: set[int]
    ) -> list[RollupResult] | None:
        """One try. Queries whose Rollup nodes could not tell are put into ``finer``, and None is returned."""

        def work(transaction: Transaction) -> tuple[HeadRow | None, BudgetTree, list[Plan], _Read]:
            head = next(iter(transaction.run(queries.HEAD, {"tenant": tenant})), None)
            tree = BudgetTree(tenant) if head is None else self.trees.at(tenant, head["version"])
            plans = [
                _planned(query, tree, head, rollups=index not in finer) for index, query in enumerate(asked)
            ]
            if head is None:
                return head, tree, plans, _Read()
            found = _read(transaction, tenant, plans, head["folded_seq"])
            check_unmoved(transaction, tenant, head)
            return head, tree, plans, found

        head, tree, plans, found = self._database.reading(work)
        answers = [self._answer(each, tree, found) for each in plans]
        unclear = {index for index, answer in enumerate(answers) if answer is None}
        if unclear:
            finer |= unclear
            return None
        settled = [answer for answer in answers if answer is not None]
        if head is None:
            return [answer.result(0) for answer in settled]
        for facts in self.tails.read(tenant, head["generation"], head["folded_seq"], head["seq"]):
            self.paths.of(facts.columns["path"].labels)
            for answer in settled:
                answer.add_unfolded(facts)
        return [answer.result(head["last_now_us"]) for answer in settled]

    def _answer(self, each: Plan, budgets: Budgets, found: _Read) -> Answer | None:
        for facts in (*found.cells, *found.ragged):
            self.paths.of(facts.columns["path"].labels)
        answer = Answer(each, budgets, self.paths.of(()))
        days = range(*each.days)
        stored = [node for node in found.rollups.get(each.budget.uid, ()) if node.day in days]
        if not answer.add_rollups(stored):
            return None
        for facts in found.cells:
            answer.add_cells(facts)
        for facts in found.ragged:
            answer.add_ragged(facts)
        return answer


def _planned(query: RollupQuery, tree: BudgetTree, head: HeadRow | None, *, rollups: bool) -> Plan:
    budget = tree.get(query.budget_uid)
    if budget is None:
        raise UnknownBudget("No such budget.", field="budgetId")
    if head is not None and head["dropping"]:
        raise NotSettled("Rollups are being rebuilt; ask again in a moment.")
    return plan(query, budget, None if head is None else folded_span(head), rollups=rollups)


def folded_span(head: HeadRow) -> Span | None:
    """The stretch of time, in whole UTC days, that everything folded lies in."""
    first, last = head["first_day"], head["last_day"]
    return None if first is None or last is None else (first * DAY_US, (last + 1) * DAY_US)


def _read(transaction: Transaction, tenant: str, plans: Sequence[Plan], folded_seq: int) -> _Read:
    found = _Read()
    uids = sorted({uid for each in plans for uid in each.rollup_uids})
    if uids:
        columns = sorted({dimension.column for each in plans for dimension in each.query.by})
        found.rollups = read_rollups(transaction, uids, columns)
    days = sorted({day for each in plans for day in each.utc_days})
    if days:
        names = ["slot", *columns_needed(plans), *MEASURES]
        found.cells = list(read_cells(transaction, tenant, days, names))
    for slot in sorted({slot for each in plans for slot in each.ragged}):
        found.ragged.append(read_between(transaction, tenant, slot, slot + QUARTER_US, folded_seq))
    return found


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
) -> Iterable[Facts]:
    """The Cells of some days, ascending, with some of their columns."""
    for first, last in runs(days):
        begin, end = span_of(tenant, first, last)
        for row in transaction.run(queries.CELLS, {"begin": begin, "end": end, "columns": list(names)}):
            yield decode(row["day"], row["rows"], dict(zip(names, row["columns"], strict=True)))


def runs(days: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending days as stretches without a gap, (first, last)."""
    found: list[tuple[int, int]] = []
    for day in days:
        if found and found[-1][1] == day - 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def check_unmoved(transaction: Transaction, tenant: str, head: HeadRow) -> None:
    """Raise ``Moved`` unless the fold is where it was when ``head`` was read."""
    for row in transaction.run(queries.WATERMARK, {"tenant": tenant}):
        if (row["folded_seq"], row["generation"], row["dropping"]) != (
            head["folded_seq"],
            head["generation"],
            head["dropping"],
        ):
            raise Moved
