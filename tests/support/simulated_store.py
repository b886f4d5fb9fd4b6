"""A ledger store in memory that keeps what the graph keeps, for tests that drive the ledger by the thousand.

It is strict where the graph is: unique keys, nodes that must exist, one writer at a time, nothing visible
before the commit. ``fault`` is called at each step of a transaction and may raise, as an engine may.
"""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger.archive import RawUsage
from ledger.changes import (
    Added,
    AgreementMonth,
    AuditEntry,
    Changes,
    Credit,
    Deviation,
    Event,
    Grown,
    KnownRequest,
    LedgerHead,
    MonthUse,
    Notice,
    RecordedOperation,
    Statement,
)
from ledger.closing import STATEMENT_FACTS
from ledger.errors import Unavailable
from ledger.holds import Hold, HoldState, expiry_key
from ledger.limits import amount_limit, thresholds
from ledger.model import (
    UNATTRIBUTED,
    Agent,
    Budget,
    BudgetType,
    ChargePath,
    CostEntry,
    EntryKind,
    Override,
    Recurrence,
    Schedule,
    Window,
    uid_of,
)
from ledger.ports import Locked, Wanted
from ledger.prices import request_of
from ledger.reader import Bill, Book, KnownOperation, Spent
from ledger.recount import facts_of
from pricing.agreements import Agreed
from pricing.prices import GivenRates, PriceFile, Prices, Revision
from pricing.volume import MonthSums
from tests.support.memory import parent_of
from tests.support.stored import StoredBooks, StoredEntry, StoredUsage, known_operation


class Fault(Exception):
    """The engine failed; nothing was written."""

    retryable = True


class Crash(BaseException):
    """The process is gone. Whether the batch was committed, nobody was told."""


@dataclass
class SimulatedStore(StoredBooks):
    """Implements ``ledger.ports.LedgerStore``."""

    fault: Callable[[str], object] = str  # which does nothing
    heads: dict[str, LedgerHead] = field(default_factory=dict)
    budgets: dict[str, tuple[Budget, int]] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    paths: dict[str, ChargePath] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    requests: dict[str, KnownRequest] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    said: list[tuple[str, int, Revision | GivenRates | PriceFile | Agreed]] = field(default_factory=list)
    """Tenant, version of its ledger, and what was said about prices."""
    months: dict[str, MonthUse] = field(default_factory=dict)
    credits: list[Credit] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    deviations: dict[str, Deviation] = field(default_factory=dict)
    agreement_months: dict[str, AgreementMonth] = field(default_factory=dict)
    booked_as: dict[str, Statement] = field(default_factory=dict)
    """The statements of closed months."""
    overrides: dict[str, Override] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    commits: int = 0
    statements: int = 0
    """Round trips since somebody set it to 0."""
    asked: Wanted = field(default_factory=Wanted)
    """What was looked up with the last lock."""
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def transaction(self) -> Generator["SimulatedTransaction"]:
        """One at a time; commits at the end of the block."""
        with self._writing:
            self.fault("begin")
            transaction = SimulatedTransaction(self)
            yield transaction
            if transaction.cancelled:
                return
            self.fault("before commit")
            for changes in transaction.written:
                self._apply(changes)
            self.commits += 1
            self.fault("after commit")

    def _apply(self, changes: Changes) -> None:  # noqa: C901 - one loop a kind of node
        head = changes.head
        for budget in changes.budgets.values():
            self.budgets[budget.uid] = budget, head.version
        self.agents.update(changes.agents)
        for path in changes.paths.values():
            _new(path.uid, self.paths)
            self.paths[path.uid] = path
        for window in changes.windows.values():
            if window.stored != (window.uid in self.windows):
                raise Unavailable(f"window {window.uid} is there or not, against what was said")
            self.windows[window.uid] = replace(window, told=list(window.told), stored=True)
        for hold in changes.holds.values():
            if hold.stored != (hold.uid in self.holds):
                raise Unavailable(f"reservation {hold.uid} is there or not, against what was said")
            self.holds[hold.uid] = replace(hold, stored=True)
        for operation in changes.operations:
            self._record(operation)
        for request in changes.requests:
            _new(request.uid, self.requests)
            self.requests[request.uid] = request
        for each in (*changes.cards, *changes.rates, *changes.files, *changes.agreed):
            self.said.append((head.tenant, head.version, each))
        self.credits += changes.credits
        self.audit += changes.audit
        self.months.update(changes.months)
        self.overrides.update(changes.overrides)
        self.notices.update(changes.notices)
        self.agreement_months.update(changes.agreement_months)
        for statement in changes.statements:
            _new(statement.uid, self.booked_as)
            self.booked_as[statement.uid] = statement
            self.entries.append(
                StoredEntry(statement.entry, statement.path, statement.uid, dict(STATEMENT_FACTS))
            )
        for added in changes.added:
            self._add(added)
        self._archive(changes)
        self.deviations.update((each.usage_uid, each) for each in changes.deviations)
        for uid in changes.expected:
            self.deviations.pop(uid, None)
        self.events.extend(changes.events)
        self.heads[head.tenant] = replace(head)

    def _archive(self, changes: Changes) -> None:
        for archived in changes.archived:
            for each in archived.usages:
                self.usages[each.uid].archived = uid_of(archived.tenant, archived.file.archive_id)

    def _add(self, added: Added) -> None:
        if added.usage_uid not in self.booked_as:
            usage = self.usages[added.usage_uid]
            if added.grown is not None:
                if isinstance(added.grown, Grown):
                    usage.counts = added.grown.usage.counts
                    usage.fingerprint = added.grown.usage.fingerprint
                    if added.grown.usage.estimated_nano is not None:
                        usage.estimated_nano = added.grown.usage.estimated_nano
                usage.pricing = added.grown.pricing
                usage.grown = added.grown.charged
        path = self.paths[added.path.uid]
        self.entries.append(StoredEntry(added.entry, path, added.usage_uid, dict(added.facts)))

    def _record(self, operation: RecordedOperation) -> None:
        _new(operation.uid, self.usages)
        if operation.agent_uid not in self.agents:
            raise Unavailable(f"agent {operation.agent_uid} is not there")
        path = self.paths[operation.path_uid]
        counts = operation.usage.counts
        self.usages[operation.uid] = StoredUsage(
            operation,
            path,
            counts,
            operation.usage.fingerprint,
            operation.pricing,
            estimated_nano=operation.usage.estimated_nano,
        )
        if operation.entry is not None:
            self.entries.append(StoredEntry(operation.entry, path, operation.uid, facts_of(operation)))

    def first_entry(self, usage_uid: str) -> CostEntry | None:
        """The entry of kind ``usage``."""
        found = [
            each.entry
            for each in self.entries
            if each.usage_uid == usage_uid and each.entry.kind is EntryKind.USAGE
        ]
        return found[0] if found else None


def _new(uid: str, known: Mapping[str, object]) -> None:
    if uid in known:
        raise Unavailable(f"{uid} exists")


class SimulatedTransaction:
    """Implements ``ledger.ports.LedgerTransaction``."""

    def __init__(self, store: SimulatedStore) -> None:
        self._store = store
        self.cancelled = False
        self.written: list[Changes] = []

    def cancel(self) -> None:
        self.cancelled = True

    def lock(self, tenants: Sequence[str], wanted: Wanted) -> Locked:
        self._step("lock")
        self._store.asked = wanted
        for tenant in tenants:
            if tenant not in self._store.heads:
                self._found(tenant)
        return Locked(
            {tenant: replace(self._store.heads[tenant]) for tenant in tenants},
            self._operations(wanted.operations),
            self._holds(wanted.holds),
            self._requests(wanted.requests),
        )

    def _found(self, tenant: str) -> None:
        uid = uid_of(tenant, UNATTRIBUTED)
        budget = Budget(
            uid, tenant, UNATTRIBUTED, None, "Unattributed", None, "USD", BudgetType.CUSTOM, None, None, None,
            Recurrence.NONE, "UTC", "UTC", 800_000, None, 0, (Schedule(0, Recurrence.NONE, "UTC"),),
            (amount_limit(uid, None, thresholds(800_000)),),
        )  # fmt: skip
        self._store.budgets[uid] = budget, 1
        self._store.heads[tenant] = LedgerHead(tenant, version=1)

    def _step(self, name: str) -> None:
        self._store.statements += 1
        self._store.fault(name)

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        self._step("read")
        return [
            budget
            for budget, version in self._store.budgets.values()
            if budget.tenant == tenant and version > since_version
        ]

    def prices(self, tenant: str, since_version: int, prices: Prices) -> None:
        self._step("read")
        for owner, version, said in self._store.said:
            if owner == tenant and version > since_version:
                match said:
                    case Revision():
                        prices.put(said)
                    case GivenRates():
                        prices.put_rates(said)
                    case PriceFile():
                        prices.put_file(said)
                    case Agreed():
                        prices.agreements.put(said)

    def agreement_months(self, uids: Iterable[str]) -> dict[str, AgreementMonth]:
        self._step("read")
        known = self._store.agreement_months
        return {uid: known[uid] for uid in uids if uid in known}

    def months_of_agreement(self, tenant: str, agreement_id: str) -> list[AgreementMonth]:
        self._step("read")
        known = self._store.agreement_months.values()
        return [each for each in known if (each.tenant, each.agreement_id) == (tenant, agreement_id)]

    def month_sums(self, budget_uid: str, spans: Sequence[tuple[int, int]]) -> list[MonthSums]:
        self._step("read")
        return [self._store.sums_in(budget_uid, *span) for span in spans]

    def overrides(self, uids: Iterable[str]) -> dict[str, Override]:
        self._step("read")
        return {uid: self._store.overrides[uid] for uid in uids if uid in self._store.overrides}

    def open_overrides(self, tenant: str, now_us: int) -> list[Override]:
        self._step("read")
        known = (each for each in self._store.overrides.values() if each.tenant == tenant)
        return [each for each in known if each.revoked_at_us is None and each.until_us > now_us]

    def notices(self, budget_uids: Iterable[str]) -> dict[str, Notice]:
        self._step("read")
        return {uid: self._store.notices[uid] for uid in budget_uids if uid in self._store.notices}

    def due_notices(self, tenant: str, now_us: int, limit: int) -> list[str]:
        self._step("read")
        known = (each for each in self._store.notices.values() if each.tenant == tenant)
        due = sorted((each.due_us, each.budget_uid) for each in known if each.due_us is not None)
        return [uid for due_us, uid in due if due_us <= now_us][:limit]

    def months(self, uids: Iterable[str]) -> dict[str, MonthUse]:
        self._step("read")
        return {uid: self._store.months[uid] for uid in uids if uid in self._store.months}

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        self._step("read")
        known = self._store.windows
        return {uid: replace(known[uid], told=list(known[uid].told)) for uid in uids if uid in known}

    def windows_of(self, limit_uid: str, ending_after_us: int | None) -> list[Window]:
        self._step("read")
        return [
            replace(each, told=list(each.told))
            for each in self._store.windows.values()
            if each.limit_uid == limit_uid
            and (ending_after_us is None or each.end_us is None or each.end_us > ending_after_us)
        ]

    def paths(self, uids: Iterable[str]) -> set[str]:
        self._step("read")
        return {uid for uid in uids if uid in self._store.paths}

    def agents(self, uids: Iterable[str]) -> dict[str, Agent]:
        self._step("read")
        return {uid: self._store.agents[uid] for uid in uids if uid in self._store.agents}

    def operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        self._step("read")
        return self._operations(uids)

    def _operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        known = self._store.usages
        return {
            uid: known_operation(known[uid], self._store.first_entry(uid)) for uid in uids if uid in known
        }

    def awaited(self, uids: Iterable[str]) -> dict[str, int]:
        self._step("read")
        parents = [parent_of(each.operation) for each in self._store.usages.values()]
        return {uid: parents.count(uid) for uid in uids if uid not in self._store.usages and uid in parents}

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        self._step("read")
        charged = self._store.charged_in(budget_uid, start_us, end_us)
        return Spent(
            sum(cost for _, cost, _, _ in charged),
            sum(tokens for _, _, tokens, _ in charged),
            sum(requests for _, _, _, requests in charged),
        )

    def spent_by_facts(self, budget_uid: str, start_us: int | None, end_us: int | None) -> list[Spent]:
        self._step("read")
        return [
            Spent(
                cost,
                tokens,
                requests,
                facts.get("user_id"),
                facts.get("agent_id"),
                facts.get("provider"),
                facts.get("model_id"),
                facts.get("resource"),
            )
            for facts, cost, tokens, requests in self._store.charged_in(budget_uid, start_us, end_us)
        ]

    def holds(self, uids: Iterable[str]) -> dict[str, Hold]:
        self._step("read")
        return self._holds(uids)

    def _holds(self, uids: Iterable[str]) -> dict[str, Hold]:
        return {uid: replace(self._store.holds[uid]) for uid in uids if uid in self._store.holds}

    def open_holds(self, budget_uid: str) -> list[Hold]:
        self._step("read")
        return [
            replace(each)
            for each in self._store.holds.values()
            if each.state is HoldState.HELD and budget_uid in each.path.budget_uids
        ]

    def first_to_expire(self, tenant: str, after_key: str, limit: int) -> list[tuple[str, str, int]]:
        self._step("read")
        keyed = sorted(
            (key, each.uid, each.expires_at_us)
            for each in self._store.holds.values()
            if each.tenant == tenant and (key := expiry_key(each)) is not None and key > after_key
        )
        return keyed[:limit]

    def requests(self, uids: Iterable[str]) -> dict[str, KnownRequest]:
        self._step("read")
        return self._requests(uids)

    def _requests(self, uids: Iterable[str]) -> dict[str, KnownRequest]:
        return {uid: self._store.requests[uid] for uid in uids if uid in self._store.requests}

    def bills(self, uids: Iterable[str]) -> list[Bill]:
        self._step("read")
        return [self._bill(uid) for uid in uids if uid in self._store.usages]

    def _bill(self, uid: str) -> Bill:
        usage = self._store.usages[uid]
        operation = usage.operation
        request = request_of(operation.usage, min(operation.timestamp_us, operation.recorded_at_us))
        if operation.entry is not None:
            request = request._replace(provider_cost_nano=None)
        entries = tuple(each.entry for each in self._store.entries if each.usage_uid == uid)
        return Bill(
            uid,
            operation.usage.sent.operation_id,
            request._replace(counts=usage.counts, provider=operation.provider),
            usage.path,
            facts_of(operation),
            usage.pricing,
            operation.charged_at_us,
            entries,
            usage.estimated_nano,
        )

    def raw(self, uids: Iterable[str]) -> list[RawUsage]:
        self._step("read")
        return self._store.raw(uids)

    def book(self, operation_uid: str) -> Book | None:
        self._step("read")
        usage = self._store.usages.get(operation_uid)
        if usage is None:
            return None
        entries = tuple(
            (each.entry, each.path) for each in self._store.entries if each.usage_uid == operation_uid
        )
        return Book(facts_of(usage.operation), entries)

    def write(self, changes: Sequence[Changes]) -> None:
        self._step("write")
        self.written = list(changes)
