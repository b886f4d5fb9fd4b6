"""A ledger store in plain dictionaries: the independent reference for the graph's.

It keeps what a graph would keep, field by field, as copies that share nothing with the decisions in
flight, and adds ``spent`` up from the entries themselves. Its transactions can be made to wait, to
fail before or after their commit, and to meet conflicts.
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graph.ledger.founding import unattributed
from ledger.archive import RawUsage
from ledger.changes import (
    AgreementMonth,
    Changes,
    Event,
    KnownRequest,
    LedgerHead,
    MonthUse,
    Notice,
    RecordedOperation,
)
from ledger.holds import Hold
from ledger.model import (
    UNATTRIBUTED,
    Agent,
    Budget,
    ChargePath,
    CostEntry,
    Override,
    Pricing,
    Window,
    uid_of,
)
from ledger.ports import Locked, Wanted
from ledger.reader import Bill, Book, KnownOperation, Spent
from ledger.results import RecordedUsage
from ledger.warnings import load_warnings
from pricing.prices import Prices
from pricing.volume import MonthSums


class Conflict(Exception):
    """Nothing was written; decide again."""

    retryable = True


class Uncertain(Exception):
    """The commit may or may not have happened; decide again on what is there."""

    retryable = True


class Poison(Exception):
    """The engine refuses this statement, however often it is sent."""


@dataclass
class Books:
    """What is durable."""

    heads: dict[str, LedgerHead] = field(default_factory=dict[str, LedgerHead])
    budgets: dict[str, tuple[int, Budget]] = field(default_factory=dict[str, tuple[int, Budget]])
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    paths: dict[str, ChargePath] = field(default_factory=dict[str, ChargePath])
    windows: dict[str, Window] = field(default_factory=dict[str, Window])
    operations: dict[str, RecordedOperation] = field(default_factory=dict[str, RecordedOperation])
    entries: dict[str, CostEntry] = field(default_factory=dict[str, CostEntry])
    events: list[Event] = field(default_factory=list[Event])

    def copy(self) -> "Books":
        """Books that change apart from these. What they hold never changes, only which of it they hold."""
        return Books(
            dict(self.heads),
            dict(self.budgets),
            dict(self.agents),
            dict(self.paths),
            dict(self.windows),
            dict(self.operations),
            dict(self.entries),
            list(self.events),
        )

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        """What was charged to a budget in [start_us, end_us), operation by operation."""
        cost_nano = tokens = requests = 0
        for operation in self.operations.values():
            at_us = operation.timestamp_us
            path = self.paths[operation.path_uid]
            inside = (start_us is None or at_us >= start_us) and (end_us is None or at_us < end_us)
            if inside and budget_uid in (*path.chain, *path.scoped):
                cost_nano += 0 if operation.entry is None else operation.entry.total_cost_nano
                tokens += operation.usage.counts.prompt_tokens + operation.usage.counts.completion_tokens
                requests += 1
        return Spent(cost_nano, tokens, requests)

    def awaited(self, uids: Iterable[str]) -> dict[str, int]:
        """How many operations name each of some that are not recorded as the one that delegated them."""
        asked = list(uids)
        assert len(asked) == len(set(asked)), "the graph would count them twice"
        parents = [parent_of(each) for each in self.operations.values()]
        return {uid: parents.count(uid) for uid in asked if uid not in self.operations and uid in parents}

    def apply(self, changes: Changes) -> None:
        """Take over one tenant's part of a batch; refuse what a graph would refuse."""
        for budget in changes.budgets.values():
            self.budgets[budget.uid] = (changes.head.version, budget)
        self.agents.update(changes.agents)
        for uid, path in changes.paths.items():
            _new(uid, self.paths)
            self.paths[uid] = path
        for uid, window in changes.windows.items():
            if window.stored != (uid in self.windows):
                raise AssertionError(f"window {uid} was taken to be stored: {window.stored}")
            self.windows[uid] = replace(window, told=list(window.told), stored=True)
        for operation in changes.operations:
            _new(operation.uid, self.operations)
            if operation.agent_uid not in self.agents or operation.path_uid not in self.paths:
                raise AssertionError(f"operation {operation.uid} leads to nowhere")
            self.operations[operation.uid] = operation
            if operation.entry is not None:
                _new(operation.entry.uid, self.entries)
                self.entries[operation.entry.uid] = operation.entry
        self.events.extend(changes.events)
        self.heads[changes.head.tenant] = replace(changes.head)

    def found(self, tenant: str) -> None:
        """A tenant's ledger, and the budget that pays when nobody else does."""
        self.heads[tenant] = LedgerHead(tenant, version=1)
        self.budgets[uid_of(tenant, UNATTRIBUTED)] = (1, unattributed(tenant))

    def seqs(self, tenant: str) -> list[int]:
        """Every number of a tenant's sequence that was taken, in order."""
        numbers = [entry.seq for entry in self.entries.values() if entry.tenant == tenant]
        numbers += [event.seq for event in self.events if event.tenant == tenant]
        numbers += [
            operation.unpriced_seq
            for operation in self.operations.values()
            if operation.tenant == tenant and operation.unpriced_seq is not None
        ]
        return sorted(numbers)


def _new(uid: str, known: Mapping[str, object]) -> None:
    if uid in known:
        raise AssertionError(f"{uid} exists already")


class MemoryTransaction:
    """``ledger.ports.LedgerTransaction`` on a copy of the books."""

    def __init__(self, books: Books, poison: Collection[str] = ()) -> None:
        self.books = books
        self.cancelled = False
        self._poison = poison

    def cancel(self) -> None:
        self.cancelled = True

    def lock(self, tenants: Sequence[str], wanted: Wanted) -> Locked:
        assert list(tenants) == sorted(tenants), "locks are taken in uid order"
        for tenant in tenants:
            if tenant not in self.books.heads:
                self.books.found(tenant)
        heads = {tenant: replace(self.books.heads[tenant]) for tenant in tenants}
        return Locked(heads, self.operations(wanted.operations), {}, {})

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        return [
            budget
            for version, budget in self.books.budgets.values()
            if budget.tenant == tenant and version > since_version
        ]

    def prices(self, tenant: str, since_version: int, prices: Prices) -> None:
        """Nothing: tests.support.simulated_store keeps what is said about prices."""

    def overrides(self, uids: Iterable[str]) -> dict[str, Override]:  # noqa: ARG002 - it keeps none
        return {}

    def open_overrides(self, tenant: str, now_us: int) -> list[Override]:  # noqa: ARG002 - as above
        return []

    def notices(self, budget_uids: Iterable[str]) -> dict[str, Notice]:  # noqa: ARG002 - as above
        return {}

    def due_notices(self, tenant: str, now_us: int, limit: int) -> list[str]:  # noqa: ARG002 - as above
        return []

    def months(self, uids: Iterable[str]) -> dict[str, MonthUse]:  # noqa: ARG002 - it keeps none
        return {}

    def agreement_months(self, uids: Iterable[str]) -> dict[str, AgreementMonth]:  # noqa: ARG002 - as above
        return {}

    def months_of_agreement(self, tenant: str, agreement_id: str) -> list[AgreementMonth]:  # noqa: ARG002
        return []

    def month_sums(self, budget_uid: str, spans: Sequence[tuple[int, int]]) -> list[MonthSums]:
        raise NotImplementedError("this store knows no agreements: tests.support.simulated_store does")

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        return {uid: self._window(uid) for uid in uids if uid in self.books.windows}

    def windows_of(self, limit_uid: str, ending_after_us: int | None) -> list[Window]:
        return [
            self._window(uid)
            for uid, window in self.books.windows.items()
            if window.limit_uid == limit_uid
            and (ending_after_us is None or window.end_us is None or window.end_us > ending_after_us)
        ]

    def _window(self, uid: str) -> Window:
        window = self.books.windows[uid]
        return replace(window, told=list(window.told))

    def paths(self, uids: Iterable[str]) -> set[str]:
        return {uid for uid in uids if uid in self.books.paths}

    def agents(self, uids: Iterable[str]) -> dict[str, Agent]:
        return {uid: self.books.agents[uid] for uid in uids if uid in self.books.agents}

    def operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        return {uid: _known(self.books.operations[uid]) for uid in uids if uid in self.books.operations}

    def awaited(self, uids: Iterable[str]) -> dict[str, int]:
        return self.books.awaited(uids)

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        return self.books.spent(budget_uid, start_us, end_us)

    def spent_by_facts(self, budget_uid: str, start_us: int | None, end_us: int | None) -> list[Spent]:
        raise NotImplementedError("this store knows no reservations: tests.support.simulated_store does")

    def holds(self, uids: Iterable[str]) -> dict[str, Hold]:  # noqa: ARG002 - it keeps none; nor do those below
        return {}

    def open_holds(self, budget_uid: str) -> list[Hold]:  # noqa: ARG002
        return []

    def first_to_expire(self, tenant: str, after_key: str, limit: int) -> list[tuple[str, str, int]]:  # noqa: ARG002
        return []

    def requests(self, uids: Iterable[str]) -> dict[str, KnownRequest]:  # noqa: ARG002
        return {}

    def bills(self, uids: Iterable[str]) -> list[Bill]:  # noqa: ARG002
        return []

    def raw(self, uids: Iterable[str]) -> list[RawUsage]:
        raise NotImplementedError("this store archives nothing: tests.support.simulated_store does")

    def book(self, operation_uid: str) -> Book | None:  # noqa: ARG002
        return None

    def write(self, changes: Sequence[Changes]) -> None:
        for each in changes:
            for operation in each.operations:
                if operation.usage.sent.operation_id in self._poison:
                    raise Poison(operation.uid)
            self.books.apply(each)


def parent_of(operation: RecordedOperation) -> str | None:
    """The uid of the operation that delegated one."""
    parent_id = operation.usage.sent.parent_operation_id
    return None if parent_id is None else uid_of(operation.tenant, parent_id)


def _known(operation: RecordedOperation) -> KnownOperation:
    answer = RecordedUsage(
        operation.usage.sent.operation_id,
        duplicate=False,
        pricing=Pricing(operation.pricing),
        cost_entry=operation.entry,
        warnings=load_warnings(operation.warnings_json),
    )
    return KnownOperation(
        operation.uid,
        operation.usage.fingerprint,
        uid_of(operation.tenant, operation.leaf_id),
        operation.pricing,
        answer,
        parent_uid=parent_of(operation),
    )


Hook = Callable[[], None]


def nothing() -> None:
    """The hook of a store that behaves."""


class MemoryStore:
    """``ledger.ports.LedgerStore``. Transactions follow one another, as the ledger's lock has it.

    ``before_commit`` and ``after_commit`` are called in each transaction that has something to write:
    what they raise is what the caller meets, before or after the books have changed. ``opening`` is
    called before each transaction begins. Operations whose ids are in ``poison`` are never written.
    """

    def __init__(self) -> None:
        self.books = Books()
        self.commits = 0
        self.poison: set[str] = set()
        self.opening: Hook = nothing
        self.before_commit: Hook = nothing
        self.after_commit: Hook = nothing
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Generator[MemoryTransaction]:
        self.opening()
        with self._lock:
            transaction = MemoryTransaction(self.books.copy(), self.poison)
            yield transaction
            if transaction.cancelled:
                return
            self.before_commit()
            self.books = transaction.books
            self.commits += 1
            self.after_commit()


class Failures:
    """A hook that raises the given errors, one a call, then none."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)

    def __call__(self) -> None:
        if self._errors and (error := self._errors.pop(0)) is not None:
            raise error
