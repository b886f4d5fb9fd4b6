"""``verify``: recompute a tenant's books from its entries and report what disagrees.

It runs beside traffic: entries are streamed up to the sequence at its start, and what seems wrong is
looked at again under the ledger's lock, where nothing moves, before it is reported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from cypher import check as queries
from cypher.check import PageParams
from cypher.query import CypherQuery
from graph.database import Database
from graph.ledger import GraphLedgerStore, GraphLedgerTransaction, Trees
from graph.ledger.rows import window_of
from ledger.check import Finding, Recount, counts_still, held_on, spend_of
from ledger.model import ChargePath, Limit, Meter, Window, id_of, seq_uid
from ledger.ports import Wanted
from ledger.tree import BudgetTree
from pricing.money import format_nano

PAGE: Final = 10_000
WINDOWS_AT_ONCE: Final = 500

R = TypeVar("R", bound="Mapping[str, Any]")

Progress = Callable[[int], None]


class RollupCheck(Protocol):
    """Compares rollups with entries; see ``graph.rollups``."""

    def compare(self, tenant: str, budget_uid: str | None) -> Sequence[Finding]:
        """Rollups that disagree with the entries."""
        ...


class Check:
    """The checks of one database."""

    def __init__(self, database: Database, trees: Trees, rollups: RollupCheck | None = None) -> None:
        self._database = database
        self._trees = trees
        self._rollups = rollups
        self._store = GraphLedgerStore(database)

    def run(
        self, tenant: str, budget_uid: str | None = None, progress: Progress | None = None
    ) -> list[Finding]:
        """What is wrong with a tenant's books, or with those of one budget and what is below it.

        ``progress`` is told how many entries were looked at. An empty list means that all agree.
        """
        tree = self._trees.get(tenant)
        budgets = tree.all() if budget_uid is None else list(tree.subtree(budget_uid))
        uids = [budget.uid for budget in budgets]
        findings = [
            *self._windows(tree, uids, progress),
            *self._by_facts(tree, uids),
            *self._reserved(tree, uids),
            *self._usages(tenant, set(uids)),
        ]
        if self._rollups is not None:
            findings.extend(self._rollups.compare(tenant, budget_uid))
        return findings

    def _windows(self, tree: BudgetTree, uids: Sequence[str], progress: Progress | None) -> list[Finding]:
        head = self._trees.head(tree.tenant)
        if head is None:
            return []
        limits = [limit.uid for limit in _limits(tree, uids) if limit.counts_all]
        recount = Recount(tree, uids, self._read_windows(limits))
        findings: list[Finding] = []
        paths = self._paths(tree.tenant)
        before = seq_uid(tree.tenant, head["seq"] + 1)
        seen = 0
        for row in self._stream(queries.ENTRIES, "uid", seq_uid(tree.tenant, 0), before):
            if row["parts_nano"] != row["total_cost_nano"]:
                leaf = id_of(paths[row["charge_path"]].leaf_uid)
                findings.append(_money("entry_total", leaf, row["parts_nano"], row["total_cost_nano"]))
            counts = {
                Meter.COST: row["total_cost_nano"],
                Meter.TOKENS: row["tokens"],
                Meter.REQUESTS: row["operations"],
            }
            recount.add(paths[row["charge_path"]], row["charged_at_us"], counts)
            seen += 1
            if progress is not None and seen % PAGE == 0:
                progress(seen)
        for row in self._stream(queries.UNPRICED, "uid", seq_uid(tree.tenant, 0), before):
            counts = {Meter.TOKENS: row["tokens"], Meter.REQUESTS: 1}
            recount.add(paths[row["charge_path"]], row["charged_at_us"], counts)
        if progress is not None:
            progress(seen)
        return findings + [
            finding
            for limit, window, _ in recount.mismatches()
            if (finding := self._again(tree.tenant, limit, window)) is not None
        ]

    def _again(self, tenant: str, limit: Limit, window: Window) -> Finding | None:
        """The mismatch as it is under the lock, where windows and entries stand still."""
        with self._store.transaction() as transaction:
            transaction.lock([tenant], Wanted())
            now = transaction.windows([window.uid]).get(window.uid, window)
            expected = _spend(transaction, limit, now)
            transaction.cancel()
        return None if expected == now.spent else _finding("window_spent", limit, now, expected, now.spent)

    def _by_facts(self, tree: BudgetTree, uids: Sequence[str]) -> Iterator[Finding]:
        """Windows of limits that count each member, or one resource, apart."""
        for limit in _limits(tree, uids):
            if limit.counts_all:
                continue
            for window in self._read_windows([limit.uid]):
                if counts_still(limit, window) and window.spent != self._database.reading(
                    lambda each, limit=limit, window=window: _spend(
                        GraphLedgerTransaction(each), limit, window
                    )
                ):
                    finding = self._again(tree.tenant, limit, window)
                    if finding is not None:
                        yield finding

    def _reserved(self, tree: BudgetTree, uids: Sequence[str]) -> Iterator[Finding]:
        """What is reserved is what open holds have there; what was forced is never below nothing."""
        limits = {limit.uid: limit for limit in _limits(tree, uids)}
        if not limits:
            return
        held = self._database.reading(
            lambda each: held_on(GraphLedgerTransaction(each).all_open_holds(tree.tenant))
        )
        for window in self._read_windows(list(limits)):
            limit = limits[window.limit_uid]
            if window.forced < 0:
                yield _finding("window_forced", limit, window, 0, window.forced)
            if window.reserved == held.get(window.uid, 0):
                continue
            with self._store.transaction() as transaction:
                transaction.lock([tree.tenant], Wanted())
                now = transaction.windows([window.uid])[window.uid]
                expected = held_on(transaction.all_open_holds(tree.tenant)).get(window.uid, 0)
                transaction.cancel()
            if now.reserved != expected:
                yield _finding("window_reserved", limit, now, expected, now.reserved)

    def _usages(self, tenant: str, uids: set[str]) -> list[Finding]:
        """Every usage has exactly one entry of kind ``usage``, or is unpriced and has none."""
        findings: list[Finding] = []
        leaves = {id_of(uid) for uid in uids}
        keys: list[str] = []

        def look() -> None:
            for row in self._database.read(queries.INCURRED, {"uids": keys}):
                if row["budget_id"] in leaves:
                    expected = "no entry" if row["pricing"] == "UNPRICED" else "1 entry"
                    name = f"usage_entry {row['operation_id']}"
                    findings.append(Finding(name, row["budget_id"], expected, f"{row['entries']} entries"))
            keys.clear()

        for row in self._stream(queries.USAGES, "key", f"{tenant}/", f"{tenant}0"):
            keys.append(row["uid"])
            if len(keys) == PAGE:
                look()
        look()
        return findings

    def _read_windows(self, limit_uids: Sequence[str]) -> Iterator[Window]:
        for begin in range(0, len(limit_uids), WINDOWS_AT_ONCE):
            part = list(limit_uids[begin : begin + WINDOWS_AT_ONCE])
            for row in self._database.read(queries.WINDOWS, {"limit_uids": part}):
                yield window_of(row)

    def _paths(self, tenant: str) -> dict[str, ChargePath]:
        return {
            row["uid"]: ChargePath(row["uid"], tenant, tuple(row["chain"]), tuple(row["scoped"]))
            for row in self._database.read(queries.PATHS, {"tenant": tenant})
        }

    def _stream(self, query: CypherQuery[PageParams, R], key: str, after: str, before: str) -> Iterator[R]:
        """All rows of an index of sortable keys, page by page."""
        while True:
            page = self._database.read(query, {"after": after, "before": before, "limit": PAGE})
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1][key]


def _money(invariant: str, budget_id: str, expected_nano: int, actual_nano: int) -> Finding:
    return Finding(invariant, budget_id, format_nano(expected_nano), format_nano(actual_nano))


def _limits(tree: BudgetTree, uids: Sequence[str]) -> Iterator[Limit]:
    for uid in uids:
        budget = tree.get(uid)
        if budget is not None:
            yield from budget.limits


def _spend(transaction: GraphLedgerTransaction, limit: Limit, window: Window) -> int:
    """What the entries say that a window must have counted."""
    if limit.counts_all:
        return spend_of(limit, window, [transaction.spent(limit.budget_uid, window.start_us, window.end_us)])
    charged = transaction.spent_by_facts(limit.budget_uid, window.start_us, window.end_us)
    return spend_of(limit, window, charged)


def _finding(what: str, limit: Limit, window: Window, expected: int, actual: int) -> Finding:
    name = f"{what} {limit.key} {window.uid.removeprefix(f'{limit.uid}@')}"
    if limit.meter is Meter.COST:
        return _money(name, id_of(limit.budget_uid), expected, actual)
    return Finding(name, id_of(limit.budget_uid), str(expected), str(actual))
