"""``ledger.ports.LedgerStore`` on Bolt: one transaction per batch, a handful of statements each."""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence

from cypher import ledger as queries
from cypher.query import CypherQuery, NoRow
from graph.audit import write_entries
from graph.database import Database, Transaction
from graph.errors import CommitUncertain, ConstraintViolation
from graph.ledger import (
    agreement_store,
    anomaly_rows,
    archive_rows,
    entry_rows,
    hold_rows,
    notice_rows,
    override_rows,
    price_store,
    rows,
    usage_rows,
    wallet_rows,
)
from graph.ledger.founding import unattributed
from ledger.archive import RawUsage
from ledger.changes import AgreementMonth, Changes, KnownRequest, LedgerHead, MonthUse, Notice
from ledger.errors import Unavailable
from ledger.holds import Hold
from ledger.model import Agent, Budget, Override, Window, seq_uid, uid_of
from ledger.ports import Locked, Wanted
from ledger.reader import Bill, Book, KnownOperation, Spent
from pricing.prices import Prices
from pricing.volume import MonthSums


class _Cancelled(Exception):
    """Rolls back a transaction that has nothing to write."""


class GraphLedgerStore:
    """Opens the ledger's transactions on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.contextmanager
    def transaction(self) -> Generator["GraphLedgerTransaction"]:
        """A transaction that commits at the end of the block."""
        try:
            with contextlib.suppress(_Cancelled), self._database.transaction() as each:
                transaction = GraphLedgerTransaction(each)
                yield transaction
                if transaction.cancelled:
                    raise _Cancelled
        except (ConstraintViolation, CommitUncertain) as error:
            # Somebody else was first, or nobody knows: read again what is there, and decide on that.
            raise Unavailable(str(error)) from error


class GraphLedgerTransaction:
    """``ledger.ports.LedgerTransaction``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.cancelled = False

    def cancel(self) -> None:
        """Roll back at the end of the block."""
        self.cancelled = True

    def lock(self, tenants: Sequence[str], wanted: Wanted) -> Locked:
        """Take the locks of the tenants' ledgers, in uid order, then look up; new tenants are founded."""
        (locked,) = self._transaction.run(
            queries.LOCK,
            {
                "wanted": {
                    "tenants": list(tenants),
                    "operations": list(wanted.operations),
                    "holds": list(wanted.holds),
                    "requests": list(wanted.requests),
                }
            },
        )
        heads = {each["tenant"]: LedgerHead(**each) for each in locked["heads"]}
        for tenant in tenants:
            if tenant not in heads:
                heads[tenant] = self._found(tenant)
        operations = (rows.operation_of(each) for each in locked["operations"])
        holds = (hold_rows.hold_of(each) for each in locked["holds"])
        requests = (KnownRequest(**each) for each in locked["requests"])
        return Locked(
            heads,
            {each.uid: each for each in operations},
            {each.uid: each for each in holds},
            {each.uid: each for each in requests},
        )

    def _found(self, tenant: str) -> LedgerHead:
        self._transaction.run(queries.FOUND_TENANT, {"tenant": tenant})
        (locked,) = self._transaction.run(
            queries.LOCK,
            {"wanted": {"tenants": [tenant], "operations": [], "holds": [], "requests": []}},
        )
        head = LedgerHead(**locked["heads"][0])
        if head.version == 0:
            # Written here: the batch may turn out to change nothing itself. Then nothing was founded either.
            head.version = 1
            self._write_budgets([unattributed(tenant)], head.version)
            self._transaction.run(
                queries.WRITE_BATCH,
                {
                    "batch": {
                        "heads": [rows.head_properties(head)],
                        "windows": [],
                        "operations": [],
                        "new_holds": [],
                        "holds": [],
                    }
                },
            )
        return head

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        """Budgets that changed after that version."""
        found = self._transaction.run(queries.BUDGETS, {"tenant": tenant, "since_version": since_version})
        return [rows.budget_of(row) for row in found]

    def prices(self, tenant: str, since_version: int, prices: Prices) -> None:
        """Add what was said about prices after that version."""
        price_store.read_said(self._transaction, tenant, since_version, prices)

    def overrides(self, uids: Iterable[str]) -> dict[str, Override]:
        """Those of the overrides that exist."""
        return override_rows.read(self._transaction, uids)

    def open_overrides(self, tenant: str, now_us: int) -> list[Override]:
        """Those that are neither revoked nor past their end."""
        return override_rows.read_open(self._transaction, tenant, now_us)

    def held_of_override(self, uid: str) -> int:
        """What reservations hold, or spent, of an override."""
        return override_rows.held_of(self._transaction, uid)

    def notices(self, budget_uids: Iterable[str]) -> dict[str, Notice]:
        """When budgets that cool down told something last."""
        return notice_rows.read(self._transaction, budget_uids)

    def due_notices(self, tenant: str, now_us: int, limit: int) -> list[str]:
        """Budgets that may tell by now what they held back."""
        return [uid for uid, _ in notice_rows.read_due(self._transaction, tenant, now_us, limit)]

    def months(self, uids: Iterable[str]) -> dict[str, MonthUse]:
        """Those of the months' uses that exist."""
        return price_store.read_months(self._transaction, list(uids))

    def agreement_months(self, uids: Iterable[str]) -> dict[str, AgreementMonth]:
        """Those of the agreements' months that exist."""
        return agreement_store.read_months(self._transaction, uids)

    def months_of_agreement(self, tenant: str, agreement_id: str) -> list[AgreementMonth]:
        """The months of an agreement that exist."""
        return agreement_store.read_months_of(self._transaction, tenant, agreement_id)

    def month_sums(self, budget_uid: str, spans: Sequence[tuple[int, int]]) -> list[MonthSums]:
        """What was charged to a budget in each span, statements apart."""
        return agreement_store.read_sums(self._transaction, budget_uid, spans)

    def bills(self, uids: Iterable[str]) -> list[Bill]:
        """Those of the operations that exist, as far as their prices go."""
        return price_store.read_bills(self._transaction, list(uids))

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        """Those of the windows that exist."""
        found = self._transaction.run(queries.WINDOWS, {"uids": list(uids)})
        return {row["uid"]: rows.window_of(row) for row in found}

    def windows_of(self, limit_uid: str, ending_after_us: int | None) -> list[Window]:
        """The windows of a limit that exist and end after an instant, or never; None: all of them."""
        after_us = -1 if ending_after_us is None else ending_after_us
        params: queries.LimitWindows = {"limit_uid": limit_uid, "after_us": after_us}
        return [rows.window_of(row) for row in self._transaction.run(queries.WINDOWS_OF, params)]

    def paths(self, uids: Iterable[str]) -> set[str]:
        """Those of the charge paths that exist."""
        return {row["uid"] for row in self._transaction.run(queries.PATHS, {"uids": list(uids)})}

    def agents(self, uids: Iterable[str]) -> dict[str, Agent]:
        """Those of the agents that exist."""
        found = self._transaction.run(queries.AGENTS, {"uids": list(uids)})
        return {row["uid"]: rows.agent_of(row) for row in found}

    def operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        """Those of the operations that exist."""
        found = self._transaction.run(queries.OPERATIONS, {"uids": list(uids)})
        return {each.uid: each for each in map(rows.operation_of, found)}

    def awaited(self, uids: Iterable[str]) -> dict[str, int]:
        """How many operations wait for each of some."""
        found = self._transaction.run(queries.AWAITED, {"uids": list(uids)})
        return {row["uid"]: row["waiting"] for row in found}

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        """What was charged to a budget in [start_us, end_us); unpriced usage counts its tokens."""
        params = rows.in_span(budget_uid, start_us, end_us)
        (priced,) = self._transaction.run(queries.SPENT, params)
        (unpriced,) = self._transaction.run(queries.SPENT_UNPRICED, params)
        return Spent(
            priced["cost_nano"],
            priced["tokens"] + unpriced["tokens"],
            priced["requests"] + unpriced["requests"],
        )

    def spent_by_facts(self, budget_uid: str, start_us: int | None, end_us: int | None) -> list[Spent]:
        """As ``spent``, apart for each combination of facts."""
        params = rows.in_span(budget_uid, start_us, end_us)
        found = self._transaction.run(queries.SPENT_BY_FACTS, params)
        found += self._transaction.run(queries.SPENT_BY_FACTS_UNPRICED, params)
        return [rows.spent_of(row) for row in found]

    def holds(self, uids: Iterable[str]) -> dict[str, Hold]:
        """Those of the reservations that exist."""
        found = self._transaction.run(queries.HOLDS, {"uids": list(uids)})
        return {each.uid: each for each in map(hold_rows.hold_of, found)}

    def open_holds(self, budget_uid: str) -> list[Hold]:
        """All open holds of the tenant are looked at: they are few, and those that ended are many."""
        tenant = budget_uid.partition("/")[0]
        return [hold for hold in self.all_open_holds(tenant) if budget_uid in hold.path.budget_uids]

    def all_open_holds(self, tenant: str) -> Iterator[Hold]:
        """The tenant's open holds, by expiry."""
        after_key = ""
        while True:
            page = self.first_to_expire(tenant, after_key, hold_rows.AT_ONCE)
            if page:
                yield from self.holds(uid for _, uid, _ in page).values()
                after_key = page[-1][0]
            if len(page) < hold_rows.AT_ONCE:
                return

    def first_to_expire(self, tenant: str, after_key: str, limit: int) -> list[tuple[str, str, int]]:
        """Open holds by expiry, from a key on."""
        params: queries.ExpiringParams = {
            "after": after_key or f"{tenant}/",
            "before": f"{tenant}0",
            "limit": limit,
        }
        found = self._transaction.run(queries.EXPIRING, params)
        return [(row["key"], row["uid"], row["expires_at_us"]) for row in found]

    def requests(self, uids: Iterable[str]) -> dict[str, KnownRequest]:
        """Those of the requests that were answered before."""
        found = self._transaction.run(queries.REQUESTS, {"uids": list(uids)})
        return {row["uid"]: KnownRequest(**row) for row in found}

    def raw(self, uids: Iterable[str]) -> list[RawUsage]:
        """Those of the operations that exist and have a cost, as far as archiving looks at them."""
        return archive_rows.read_raw(self._transaction, list(uids))

    def book(self, operation_uid: str) -> Book | None:
        """An operation's entries, oldest first."""
        return rows.book_of(self._transaction.run(queries.BOOK, {"uid": operation_uid}))

    def write(self, changes: Sequence[Changes]) -> None:
        """Write one batch. Nodes come before the relationships that lead to them."""
        for each in changes:
            self._write_budgets(list(each.budgets.values()), each.head.version)
            self._write_agents(list(each.agents.values()))
        self._rows(
            queries.WRITE_PATHS,
            [
                {
                    "uid": path.uid,
                    "tenant": path.tenant,
                    "chain": list(path.chain),
                    "scoped": list(path.scoped),
                    "budgets": list(path.budget_uids),
                }
                for each in changes
                for path in each.paths.values()
            ],
        )
        for each in changes:
            price_store.write_said(self._transaction, each)
            write_entries(self._transaction, each.audit)
            agreement_store.write(self._transaction, each)
            archive_rows.write(self._transaction, each)
            override_rows.write(self._transaction, each)
            notice_rows.write(self._transaction, each)
        self._write_batch(changes)
        self._rows(
            queries.WRITE_DELEGATIONS, [link._asdict() for each in changes for link in each.delegations]
        )
        self._rows(queries.WRITE_ARRIVALS, [{"uid": uid} for each in changes for uid in each.awaited])
        self._write_added(changes)
        anomaly_rows.write(self._transaction, changes)
        wallet_rows.write(self._transaction, changes)
        self._rows(
            queries.WRITE_EVENTS,
            [
                {"uid": seq_uid(event.tenant, event.seq), "properties": rows.event_properties(event)}
                for each in changes
                for event in each.events
            ],
        )

    def _write_added(self, changes: Sequence[Changes]) -> None:
        self._rows(
            queries.WRITE_ENTRIES,
            [
                {
                    "usage_uid": added.usage_uid,
                    "path_uid": added.path.uid,
                    "uid": added.entry.uid,
                    "entry": entry_rows.entry_properties(added.entry, added.path.uid),
                    "usage": {} if added.grown is None else rows.grown_properties(added.grown),
                }
                for each in changes
                for added in each.added
            ],
        )
        self._rows(
            queries.WRITE_REQUESTS,
            [
                {
                    "uid": request.uid,
                    "properties": {
                        "tenant": request.tenant,
                        "fingerprint": request.fingerprint,
                        "answer": request.answer,
                    },
                }
                for each in changes
                for request in each.requests
            ],
        )

    def _write_budgets(self, budgets: Sequence[Budget], version: int) -> None:
        self._rows(
            queries.WRITE_BUDGETS,
            [{"uid": each.uid, "properties": rows.budget_properties(each, version)} for each in budgets],
        )
        parents = [{"uid": each.uid, "parent_uid": each.parent_uid} for each in budgets]
        self._rows(queries.WRITE_BUDGET_PARENTS, parents)
        self._rows(
            queries.WRITE_RESOURCES,
            [
                {
                    "uid": each.uid,
                    "tenant": each.tenant,
                    "kind": each.budget_type.value,
                    "resource_id": each.resource_id,
                    "resource_uid": uid_of(each.tenant, f"{each.budget_type.value}:{each.resource_id}"),
                }
                for each in budgets
            ],
        )
        self._rows(
            queries.WRITE_LIMITS,
            [
                {"uid": limit.uid, "budget_uid": each.uid, "properties": rows.limit_properties(limit)}
                for each in budgets
                for limit in each.limits
            ],
        )
        kept = [{"budget_uid": each.uid, "kept": [limit.uid for limit in each.limits]} for each in budgets]
        self._rows(queries.DROP_LIMITS, kept)

    def _write_agents(self, agents: Sequence[Agent]) -> None:
        self._rows(
            queries.WRITE_AGENTS,
            [{"uid": each.uid, "properties": rows.agent_properties(each)} for each in agents],
        )
        self._rows(
            queries.WRITE_LINEAGE,
            [
                {"parent_uid": uid_of(each.tenant, parent), "child_uid": each.uid}
                for each in agents
                for parent in each.parent_agent_ids
            ],
        )

    def _write_batch(self, changes: Sequence[Changes]) -> None:
        operations = [operation for each in changes for operation in each.operations]
        windows = [window for each in changes for window in each.windows.values()]
        holds = [hold for each in changes for hold in each.holds.values()]
        self._rows(
            queries.CREATE_WINDOWS,
            [
                {"uid": each.uid, "limit_uid": each.limit_uid, "figures": rows.window_figures(each)}
                for each in windows
                if not each.stored
            ],
        )
        self._rows(
            queries.WRITE_UNPRICED,
            [
                {
                    "agent_uid": each.agent_uid,
                    "path_uid": each.path_uid,
                    "uid": each.uid,
                    "usage": usage_rows.usage_properties(each),
                }
                for each in operations
                if each.entry is None
            ],
        )
        charged = [each for each in operations if each.entry is not None]
        new_holds = [each for each in holds if not each.stored]
        batch: queries.BatchRows = {
            "heads": [rows.head_properties(each.head) for each in changes],
            "windows": [
                {"uid": each.uid, "figures": rows.window_figures(each)} for each in windows if each.stored
            ],
            "operations": usage_rows.charged_rows(charged),
            "new_holds": hold_rows.held_rows(new_holds),
            "holds": [
                {"uid": each.uid, "properties": hold_rows.hold_figures(each)} for each in holds if each.stored
            ],
        }
        (written,) = self._transaction.run(queries.WRITE_BATCH, {"batch": batch})
        expected = {
            "heads": len(batch["heads"]),
            "windows": len(batch["windows"]),
            "operations": len(charged),
            "new_holds": len(new_holds),
            "holds": len(batch["holds"]),
        }
        if written != expected:
            # An operation whose agent or path is not there would be lost without a word.
            raise Unavailable(f"The graph took {written} of {expected}; the batch is decided again.")

    def _rows(self, query: "CypherQuery[queries.Rows, NoRow]", values: list[rows.Properties]) -> None:
        if values:
            self._transaction.run_consume(query, {"rows": values})
