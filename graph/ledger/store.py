"""``ledger.ports.LedgerStore`` on Bolt: one transaction per batch, a handful of statements each."""

import contextlib
from collections.abc import Generator, Iterable, Sequence

from cypher import ledger as queries
from graph.database import Database, Transaction
from graph.errors import CommitUncertain, ConstraintViolation
from graph.ledger import rows
from ledger.changes import Changes, LedgerHead
from ledger.errors import Unavailable
from ledger.limits import amount_limit
from ledger.model import (
    UNATTRIBUTED,
    Agent,
    Budget,
    BudgetType,
    Recurrence,
    Schedule,
    Window,
    id_of,
    seq_uid,
    uid_of,
)
from ledger.state import KnownOperation, Spent
from pricing.calendar import INSTANT_MAX_US


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

    def lock(
        self, tenants: Sequence[str], operation_uids: Sequence[str]
    ) -> tuple[dict[str, LedgerHead], dict[str, KnownOperation]]:
        """Take the locks of the tenants' ledgers, in uid order, then look up; new tenants are founded."""
        params: queries.LockParams = {"tenants": list(tenants), "operations": list(operation_uids)}
        (locked,) = self._transaction.run(queries.LOCK, params)
        heads = {each["tenant"]: LedgerHead(**each) for each in locked["heads"]}
        for tenant in tenants:
            if tenant not in heads:
                heads[tenant] = self._found(tenant)
        return heads, {each["uid"]: rows.operation_of(each) for each in locked["operations"]}

    def _found(self, tenant: str) -> LedgerHead:
        self._transaction.run(queries.FOUND_TENANT, {"tenant": tenant})
        (locked,) = self._transaction.run(queries.LOCK, {"tenants": [tenant], "operations": []})
        (row,) = locked["heads"]
        head = LedgerHead(**row)
        if head.version == 0:
            # Written here: the batch may turn out to change nothing itself. Then nothing was founded either.
            head.version = 1
            self._write_budgets([_unattributed(tenant)], head.version)
            self._transaction.run(
                queries.WRITE_BATCH, {"heads": [rows.head_properties(head)], "windows": [], "operations": []}
            )
        return head

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        """Budgets that changed after that version."""
        found = self._transaction.run(queries.BUDGETS, {"tenant": tenant, "since_version": since_version})
        return [rows.budget_of(row) for row in found]

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
        return {row["uid"]: rows.operation_of(row) for row in found}

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        """What was charged to a budget in [start_us, end_us); unpriced usage counts its tokens."""
        params: queries.BudgetInSpan = {
            "budget_uid": budget_uid,
            "start_us": 0 if start_us is None else start_us,
            "end_us": INSTANT_MAX_US if end_us is None else end_us,
        }
        (priced,) = self._transaction.run(queries.SPENT, params)
        (unpriced,) = self._transaction.run(queries.SPENT_UNPRICED, params)
        return Spent(
            priced["cost_nano"],
            priced["tokens"] + unpriced["tokens"],
            priced["requests"] + unpriced["requests"],
        )

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
        self._write_batch(changes)
        self._rows(
            queries.WRITE_EVENTS,
            [
                {"uid": seq_uid(event.tenant, event.seq), "properties": rows.event_properties(event)}
                for each in changes
                for event in each.events
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
                if each.resource_id is not None
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
                    "usage": rows.usage_properties(each),
                }
                for each in operations
                if each.entry is None
            ],
        )
        params: queries.BatchParams = {
            "heads": [rows.head_properties(each.head) for each in changes],
            "windows": [
                {"uid": each.uid, "figures": rows.window_figures(each)} for each in windows if each.stored
            ],
            "operations": [
                {
                    "agent_uid": each.agent_uid,
                    "path_uid": each.path_uid,
                    "uid": each.uid,
                    "usage": rows.usage_properties(each),
                    "entry_uid": each.entry.uid,
                    "entry": rows.entry_properties(each, each.entry),
                }
                for each in operations
                if each.entry is not None
            ],
        }
        (written,) = self._transaction.run(queries.WRITE_BATCH, params)
        expected = {
            "heads": len(params["heads"]),
            "windows": len(params["windows"]),
            "operations": len(params["operations"]),
        }
        if written != expected:
            # An operation whose agent or path is not there would be lost without a word.
            raise Unavailable(f"The graph took {written} of {expected}; the batch is decided again.")

    def _rows(
        self, query: "queries.CypherQuery[queries.Rows, queries.NoRow]", values: list[rows.Properties]
    ) -> None:
        if values:
            self._transaction.run_consume(query, {"rows": values})


def _unattributed(tenant: str) -> Budget:
    uid = uid_of(tenant, UNATTRIBUTED)
    return Budget(
        uid=uid,
        tenant=tenant,
        budget_id=id_of(uid),
        parent_uid=None,
        name="Unattributed",
        amount_nano=None,
        currency="USD",
        budget_type=BudgetType.CUSTOM,
        resource_id=None,
        period_start_us=None,
        period_end_us=None,
        recurrence=Recurrence.NONE,
        timezone="UTC",
        rollup_timezone="UTC",
        warning_threshold_ppm=800_000,
        priority=None,
        created_at_us=0,
        schedules=(Schedule(0, Recurrence.NONE, "UTC"),),
        limits=(amount_limit(uid, None, 800_000),),
    )
