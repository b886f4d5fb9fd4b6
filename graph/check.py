"""``verify``: recompute a tenant's books from its entries and report what disagrees.

It runs beside traffic: entries are streamed up to the sequence at its start, and what seems wrong is
looked at again, with the window and the sequence as they are under the ledger's lock, before it is
reported.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from cypher import check as queries
from cypher.check import PageParams, SpanParams
from cypher.query import CypherQuery
from graph.agreement_check import agreement_findings
from graph.database import Database, Transaction
from graph.delegation_check import awaited_findings, delegation_findings, disagreeing
from graph.errors import TransactionConflict
from graph.ledger import GraphLedgerStore, GraphLedgerTransaction, Trees
from graph.ledger.rows import window_of
from graph.override_check import override_findings
from graph.wallet_check import wallet_findings
from ledger.check import Finding, Forcing, Recount, held_on, holes, span_of, spend_of
from ledger.errors import Unavailable
from ledger.model import ChargePath, Limit, Meter, Window, id_of, seq_uid
from ledger.ports import Wanted
from ledger.tree import BudgetTree
from ledger.windows import Span
from pricing.calendar import INSTANT_MAX_US
from pricing.money import format_nano

PAGE: Final = 10_000
WINDOWS_AT_ONCE: Final = 500
TRIES: Final = 100

R = TypeVar("R", bound="Mapping[str, Any]")
T = TypeVar("T")

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
        forced = Forcing()
        findings = [
            *self._windows(tree, uids, forced, progress),
            *self._by_facts(tree, uids),
            *self._held_and_forced(tree, uids, forced),
            *self._usages(tenant, set(uids)),
            *(self._awaited(tenant) if budget_uid is None else ()),
            *agreement_findings(self._database, tenant, set(uids), partial(self._seen, tenant)),
            *override_findings(self._database, tenant, set(uids), partial(self._seen, tenant)),
            *wallet_findings(self._database, self._trees, tenant, set(uids), partial(self._seen, tenant)),
        ]
        if self._rollups is not None:
            findings.extend(self._rollups.compare(tenant, budget_uid))
        return findings

    def _windows(
        self, tree: BudgetTree, uids: Sequence[str], forced: Forcing, progress: Progress | None
    ) -> list[Finding]:
        head = self._trees.settled(tree.tenant)
        if head is None:
            return []
        limits = [limit.uid for limit in _limits(tree, uids) if limit.counts_all]
        recount = Recount(tree, uids, self._read_windows(limits))
        return [
            *self._recounted(tree, set(uids), head["seq"], recount, forced, progress),
            *(
                finding
                for limit, window in recount.mismatches()
                for finding in self._again(tree.tenant, limit, window)
            ),
        ]

    def _recounted(
        self,
        tree: BudgetTree,
        uids: set[str],
        seq: int,
        recount: Recount,
        forced: Forcing,
        progress: Progress | None,
    ) -> Iterator[Finding]:
        """Add every entry up; those that are wrong in themselves are findings."""
        paths = self._paths(tree.tenant)
        before = seq_uid(tree.tenant, seq + 1)
        forced.seq = seq
        seen = 0
        numbers = bytearray(seq + 1)
        for row in self._stream(queries.ENTRIES, "uid", seq_uid(tree.tenant, 0), before):
            numbers[row["seq"]] = 1
            forced.add(row["forced_windows"], row["forced_amounts"])
            path = paths.get(row["charge_path"])
            if path is None:
                if len(uids) == len(tree):
                    yield Finding(f"charge_path {row['uid']}", None, "a path", f"no {row['charge_path']}")
                continue
            if row["parts_nano"] != row["total_cost_nano"] and path.leaf_uid in uids:
                yield _money(
                    f"entry_total {row['uid']}", path.leaf_uid, row["parts_nano"], row["total_cost_nano"]
                )
            counts = {
                Meter.COST: row["total_cost_nano"],
                Meter.TOKENS: row["tokens"],
                Meter.REQUESTS: row["operations"],
            }
            recount.add(path, row["charged_at_us"], counts)
            seen += 1
            if progress is not None and seen % PAGE == 0:
                progress(seen)
        for row in self._stream(queries.UNPRICED, "uid", seq_uid(tree.tenant, 0), before):
            numbers[row["seq"]] = 1
            forced.add(row["forced_windows"], row["forced_amounts"])
            path = paths.get(row["charge_path"])
            if path is not None:
                recount.add(path, row["charged_at_us"], {Meter.TOKENS: row["tokens"], Meter.REQUESTS: 1})
        if progress is not None:
            progress(seen)
        if len(uids) == len(tree):
            yield from self._holes(tree.tenant, before, numbers)

    def _holes(self, tenant: str, before: str, numbers: bytearray) -> Iterator[Finding]:
        """Numbers of the sequence that no entry, no unpriced usage and no event has."""
        for row in self._stream(queries.EVENTS, "uid", seq_uid(tenant, 0), before):
            numbers[row["seq"]] = 1
        return holes(numbers)

    def _again(self, tenant: str, limit: Limit, window: Window) -> list[Finding]:
        """The mismatch as it is between two commits."""
        seq, tree, now = self._standing(tenant, window)
        budget = tree.get(limit.budget_uid)
        span = None if budget is None or limit not in budget.limits else span_of(budget, limit, now)
        if span is None:
            return []
        name, leaf = f"{limit.key} {now.uid.removeprefix(f'{limit.uid}@')}", limit.budget_uid
        findings: list[Finding] = []
        if (now.start_us, now.end_us) != (span.start_us, span.end_us):
            expected, actual = f"{span.start_us}..{span.end_us}", f"{now.start_us}..{now.end_us}"
            findings.append(Finding(f"window_bounds {name}", id_of(leaf), expected, actual))
        spent = self._spent(limit, span, seq)
        if spent == now.spent:
            return findings
        if limit.meter is Meter.COST:
            return [*findings, _money(f"window_spent {name}", leaf, spent, now.spent)]
        return [*findings, Finding(f"window_spent {name}", id_of(leaf), str(spent), str(now.spent))]

    def _standing(self, tenant: str, window: Window) -> tuple[int, BudgetTree, Window]:
        """The sequence, the budgets and a window as one commit left them."""
        missing = Window(window.uid, window.limit_uid, window.start_us, window.end_us)

        def look(transaction: GraphLedgerTransaction) -> tuple[Window, BudgetTree]:
            now = transaction.windows([window.uid]).get(window.uid, missing)
            return now, self._trees.get(tenant)

        seq, (now, tree) = self._between_commits(tenant, look)
        return seq, tree, now

    def _between_commits(self, tenant: str, look: Callable[[GraphLedgerTransaction], T]) -> tuple[int, T]:
        """The sequence, and what was looked at, as one commit left them."""
        for _ in range(TRIES):
            with contextlib.suppress(TransactionConflict), self._store.transaction() as transaction:
                head = transaction.lock([tenant], Wanted()).heads[tenant]
                transaction.cancel()
                if self._trees.knows(tenant, head.version):
                    seen = look(transaction)
                    # The embedded engine lets others commit beside the lock: did somebody?
                    after = self._trees.head(tenant)
                    if after is not None and after["commits"] == head.commits:
                        return after["seq"], seen
            # Not under the lock, for which it waits.
            self._trees.get(tenant)
        raise Unavailable("The ledger does not stand still long enough to be checked. Try again later.")

    def _spent(self, limit: Limit, span: Span, seq: int) -> int:
        """What the entries up to a number of the sequence say that a limit has counted in a span."""
        params: SpanParams = {
            "budget_uid": limit.budget_uid,
            "start_us": 0 if span.start_us is None else span.start_us,
            "end_us": INSTANT_MAX_US if span.end_us is None else span.end_us,
            "seq": seq,
        }
        (priced,) = self._database.read(queries.SPENT, params)
        (unpriced,) = self._database.read(queries.SPENT_UNPRICED, params)
        return {
            Meter.COST: priced["cost_nano"],
            Meter.TOKENS: priced["tokens"] + unpriced["tokens"],
            Meter.REQUESTS: priced["requests"] + unpriced["requests"],
        }[limit.meter]

    def _by_facts(self, tree: BudgetTree, uids: Sequence[str]) -> Iterator[Finding]:
        """Windows of limits that count each member, or one resource, apart."""
        for limit in _limits(tree, uids):
            if limit.counts_all or limit.meter is Meter.LEVEL:
                continue
            for window in self._read_windows([limit.uid]):
                if self._spend_by_facts(limit, window) == window.spent:
                    continue
                _, now_tree, now = self._standing(tree.tenant, window)
                budget = now_tree.get(limit.budget_uid)
                if budget is None or limit not in budget.limits or span_of(budget, limit, now) is None:
                    continue
                spent = self._spend_by_facts(limit, now)
                # Whatever was charged since is in both, or the next look finds them equal.
                if spent != now.spent and self._spend_by_facts(limit, now) == spent:
                    yield _finding("window_spent", limit, now, spent, now.spent)

    def _spend_by_facts(self, limit: Limit, window: Window) -> int:
        def look(transaction: Transaction) -> int:
            reader = GraphLedgerTransaction(transaction)
            charged = reader.spent_by_facts(limit.budget_uid, window.start_us, window.end_us)
            return spend_of(limit, window, charged)

        return self._database.reading(look)

    def _held_and_forced(self, tree: BudgetTree, uids: Sequence[str], forced: Forcing) -> Iterator[Finding]:
        """What is reserved is what open holds have there; what was forced is what charges say of it."""
        limits = {limit.uid: limit for limit in _limits(tree, uids)}
        held = self._held(tree.tenant)
        for window in self._read_windows(list(limits)):
            limit = limits[window.limit_uid]
            if window.reserved != held.get(window.uid, 0):
                expected, now = self._held_now(tree.tenant, window)
                if now.reserved != expected:
                    yield _finding("window_reserved", limit, now, expected, now.reserved)
            if window.forced != forced.on(window.uid):
                seq, _, now = self._standing(tree.tenant, window)
                self._force_until(tree.tenant, seq, forced)
                expected = forced.on(window.uid)
                if now.forced != expected:
                    yield _finding("window_forced", limit, now, expected, now.forced)

    def _force_until(self, tenant: str, seq: int, forced: Forcing) -> None:
        """Add what charges forced since, up to a number of the sequence."""
        after, before = seq_uid(tenant, forced.seq), seq_uid(tenant, seq + 1)
        for row in self._stream(queries.ENTRIES, "uid", after, before):
            forced.add(row["forced_windows"], row["forced_amounts"])
        for row in self._stream(queries.UNPRICED, "uid", after, before):
            forced.add(row["forced_windows"], row["forced_amounts"])
        forced.seq = max(seq, forced.seq)

    def _held(self, tenant: str) -> dict[str, int]:
        return self._database.reading(
            lambda each: held_on(GraphLedgerTransaction(each).all_open_holds(tenant))
        )

    def _held_now(self, tenant: str, window: Window) -> tuple[int, Window]:
        """What open holds have on a window, and the window, as one commit left them."""

        def look(transaction: GraphLedgerTransaction) -> tuple[int, Window]:
            now = transaction.windows([window.uid]).get(window.uid, window)
            return held_on(transaction.all_open_holds(tenant)).get(window.uid, 0), now

        return self._seen(tenant, look)

    def _usages(self, tenant: str, uids: set[str]) -> list[Finding]:
        """Every usage has one entry of kind ``usage`` or is unpriced with none; delegations are linked."""
        findings: list[Finding] = []
        leaves = {id_of(uid) for uid in uids}
        keys: list[str] = []
        suspects: list[str] = []

        def look() -> None:
            for row in self._database.read(queries.INCURRED, {"uids": keys}):
                if row["budget_id"] in leaves:
                    expected = "no entry" if row["pricing"] == "UNPRICED" else "1 entry"
                    name = f"usage_entry {row['operation_id']}"
                    findings.append(Finding(name, row["budget_id"], expected, f"{row['entries']} entries"))
            suspects.extend(row["uid"] for row in disagreeing(self._database, keys))
            keys.clear()

        for row in self._stream(queries.USAGES, "key", f"{tenant}/", f"{tenant}0"):
            keys.append(row["uid"])
            if len(keys) == PAGE:
                look()
        look()
        linked = delegation_findings(self._database, suspects, leaves, partial(self._still, tenant))
        return [*findings, *linked]

    def _awaited(self, tenant: str) -> Iterator[Finding]:
        return awaited_findings(self._database, self._trees, tenant, partial(self._still, tenant))

    def _still(self, tenant: str, look: Callable[[], T]) -> T:
        """The same by a look that reads in transactions of its own."""
        return self._seen(tenant, lambda _: look())

    def _seen(self, tenant: str, look: Callable[[GraphLedgerTransaction], T]) -> T:
        """What was looked at, as one commit left it."""
        return self._between_commits(tenant, look)[1]

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


def _money(invariant: str, budget_uid: str, expected_nano: int, actual_nano: int) -> Finding:
    return Finding(invariant, id_of(budget_uid), format_nano(expected_nano), format_nano(actual_nano))


def _limits(tree: BudgetTree, uids: Sequence[str]) -> Iterator[Limit]:
    for uid in uids:
        budget = tree.get(uid)
        if budget is not None:
            yield from budget.limits


def _finding(what: str, limit: Limit, window: Window, expected: int, actual: int) -> Finding:
    name = f"{what} {limit.key} {window.uid.removeprefix(f'{limit.uid}@')}"
    if limit.meter is Meter.COST:
        return _money(name, limit.budget_uid, expected, actual)
    return Finding(name, id_of(limit.budget_uid), str(expected), str(actual))
