"""A tenant's ledger in memory while decisions are made on it.

The state is read under the ledger's lock and stays valid between batches as long as nobody else
committed: ``LedgerHead.commits`` tells. After a failed commit it is thrown away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from ledger.changes import AgreementMonth, Changes, Event, KnownRequest, LedgerHead, MonthUse, Notice
from ledger.holds import Hold, HoldState
from ledger.model import Agent, Budget, ChargePath, Limit, Override, OverrideState, Window, seq_uid
from ledger.plan import Facts, Plan, build_plan, looks_at
from ledger.reader import KnownOperation, Reader
from ledger.recount import hold_again, spent_in
from ledger.tree import BudgetTree
from ledger.windows import Span, begins_empty, carried_into, window_span, window_uid
from pricing.agreements import Agreed
from pricing.calendar import HOUR_US
from pricing.prices import GivenRates, PriceFile, Prices, Revision

FOREVER_US: Final = 2**63 - 1
CACHED_MAX: Final = 100_000
KEPT_MAX: Final = 10_000
"""Open reservations in memory, about a KiB each."""
ALONE_BATCHES: Final = 2
"""After so many batches on one state, nobody else committed between two of them."""

PlanKey: TypeAlias = tuple[str | int | None, ...]


@dataclass(slots=True)
class TenantState:
    """One tenant's state: what was loaded, and what this batch changed so far."""

    head: LedgerHead
    tree: BudgetTree
    reader: Reader
    changes: Changes = field(default_factory=Changes)
    operations: dict[str, KnownOperation | None] = field(default_factory=dict[str, KnownOperation | None])
    agents: dict[str, Agent | None] = field(default_factory=dict[str, Agent | None])
    _windows: dict[str, Window] = field(default_factory=dict[str, Window])
    _paths: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether the path's node exists."""
    _awaited: dict[str, int] = field(default_factory=dict[str, int])
    """How many operations wait for one that this batch may record."""
    _used: dict[str, ChargePath] = field(default_factory=dict[str, ChargePath])
    """The paths that this batch charged."""
    holds: dict[str, Hold | None] = field(default_factory=dict[str, Hold | None])
    kept: dict[str, Hold] = field(default_factory=dict[str, Hold])
    """Open reservations as the last batches left them: most are settled soon, and need not be read for it."""
    requests: dict[str, KnownRequest | None] = field(default_factory=dict[str, KnownRequest | None])
    prices: Prices = field(default_factory=Prices)
    """What the tenant says about prices."""
    _months: dict[str, MonthUse] = field(default_factory=dict[str, MonthUse])
    _agreement_months: dict[str, AgreementMonth | None] = field(
        default_factory=dict[str, AgreementMonth | None]
    )
    _overrides: dict[str, Override | None] = field(default_factory=dict[str, Override | None])
    _overrides_read: bool = False
    """Whether all that are open are known."""
    _notices: dict[str, Notice | None] = field(default_factory=dict[str, Notice | None])
    next_expiry_us: int = 0
    """No open hold expires before this."""
    batch: int = 0
    """Counts the batches that were decided on this state."""
    _plans: dict[PlanKey, Plan] = field(default_factory=dict[tuple[str | int | None, ...], Plan])
    _looks: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Which facts limits look at, by path."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.head.tenant

    def next_seq(self) -> int:
        """Take the next number of the tenant's sequence."""
        self.head.seq += 1
        return self.head.seq

    def operation(self, uid: str) -> KnownOperation | None:
        """The operation, if it is recorded."""
        if uid not in self.operations:
            self.operations[uid] = self.reader.operations([uid]).get(uid)
        return self.operations[uid]

    def load_awaited(self, uids: Iterable[str]) -> None:
        """Find out ahead which operations others wait for; asks nothing where nobody waits."""
        self._awaited = self.reader.awaited(dict.fromkeys(uids)) if self.head.awaited else {}

    def awaited(self, uid: str) -> int:
        """How many operations wait for one that is about to be recorded."""
        return self._awaited.get(uid, 0)

    def wait_for(self, uid: str) -> None:
        """An operation was delegated by one that is not recorded yet."""
        self._awaited[uid] = self._awaited.get(uid, 0) + 1
        self.head.awaited += 1

    def arrive(self, uid: str) -> None:
        """An operation that others waited for is recorded."""
        self.head.awaited -= self._awaited.pop(uid)
        self.changes.awaited.append(uid)

    def agent(self, uid: str) -> Agent | None:
        """The agent, if it exists."""
        if uid not in self.agents:
            self.agents[uid] = self.reader.agents([uid]).get(uid)
        return self.agents[uid]

    def hold(self, uid: str) -> Hold | None:
        """The reservation, if it exists, as this batch left it."""
        if uid not in self.holds:
            self.holds[uid] = self.reader.holds([uid]).get(uid)
        return self.holds[uid]

    def take_kept(self, uids: Iterable[str]) -> dict[str, Hold]:
        """Those of the reservations that are known from the last batches, for this one to change.

        Nothing until a batch found that nobody else commits: where others do, they would be read twice.
        """
        if self.batch < ALONE_BATCHES:
            return {}
        return {uid: self.kept.pop(uid) for uid in uids if uid in self.kept}

    def put_hold(self, hold: Hold) -> None:
        """A reservation is new or changed."""
        self.holds[hold.uid] = hold
        self.changes.holds[hold.uid] = hold

    def request(self, uid: str) -> KnownRequest | None:
        """What was answered to an idempotency key before."""
        if uid not in self.requests:
            self.requests[uid] = self.reader.requests([uid]).get(uid)
        return self.requests[uid]

    def put_request(self, request: KnownRequest) -> None:
        """Remember an answer for good."""
        self.requests[request.uid] = request
        self.changes.requests.append(request)

    def override(self, uid: str) -> Override | None:
        """The override, if it exists."""
        if uid not in self._overrides:
            self._overrides[uid] = self.reader.overrides([uid]).get(uid)
        return self._overrides[uid]

    def active_overrides(self, now_us: int) -> list[Override]:
        """Those that may let something pass now, the first to end first."""
        if not self._overrides_read:
            for each in self.reader.open_overrides(self.tenant, now_us):
                if self._overrides.get(each.uid) is None:
                    self._overrides[each.uid] = each
            self._overrides_read = True
        known = (each for each in self._overrides.values() if each is not None)
        active = [each for each in known if each.state_at(now_us) is OverrideState.ACTIVE]
        return sorted(active, key=lambda each: (each.until_us, each.uid))

    def put_override(self, override: Override) -> None:
        """An override is new, or changed."""
        self._overrides[override.uid] = override
        self.changes.overrides[override.uid] = override

    def notice(self, budget_uid: str) -> Notice | None:
        """When a budget that cools down told something last; None: never."""
        if budget_uid not in self._notices:
            self._notices[budget_uid] = self.reader.notices([budget_uid]).get(budget_uid)
        return self._notices[budget_uid]

    def put_notice(self, notice: Notice) -> None:
        """A budget that cools down told something, or has to later."""
        self._notices[notice.budget_uid] = notice
        self.changes.notices[notice.budget_uid] = notice

    def plan_key(self, path: ChargePath, facts: Facts, at_us: int) -> PlanKey:
        """What an operation has in common with those that count in the same windows, within an hour."""
        looks = self._looks.get(path.uid)
        if looks is None:
            looks = self._looks[path.uid] = looks_at(self.tree, path)
        if looks:
            return (path.uid, at_us // HOUR_US, *[facts.get(name) for name in looks])
        return (path.uid, at_us // HOUR_US)

    def has_plan(self, key: PlanKey, at_us: int) -> bool:
        """Whether the windows at an instant are known already."""
        plan = self._plans.get(key)
        return plan is not None and plan.from_us <= at_us < plan.until_us

    def plan(self, path: ChargePath, facts: Facts, at_us: int) -> Plan:
        """Where an operation with those facts counts at an instant."""
        plan = self._plans.get(key := self.plan_key(path, facts, at_us))
        if plan is None or not plan.from_us <= at_us < plan.until_us:
            plan = self._plans[key] = build_plan(self.tree, path, facts, at_us, self._found)
        return plan

    def _found(self, budget: Budget, limit: Limit, span: Span, member: str | None) -> Window:
        del budget
        return self._window(window_uid(limit, span, member), limit, span, member)

    def window_at(self, uid: str) -> Window | None:
        """The window with that key, if it exists."""
        window = self._windows.get(uid)
        if window is None:
            window = self.reader.windows([uid]).get(uid)
            if window is not None:
                self._windows[uid] = window
        return window

    def load_windows_at(self, uids: Iterable[str]) -> None:
        """Load windows that holds are on ahead, in one look-up."""
        missing = [uid for uid in dict.fromkeys(uids) if uid not in self._windows]
        if missing:
            self._windows.update(self.reader.windows(missing))

    def path_at(self, uid: str) -> ChargePath:
        """A path that this batch charged."""
        return self._used[uid]

    def touch_plan(self, plan: Plan) -> None:
        """All windows of the plan changed; its path is used."""
        if plan.touched != self.batch:
            plan.touched = self.batch
            self.use_path(plan.path)
            windows = self.changes.windows
            for slot in plan.in_order:
                windows[slot.window.uid] = slot.window

    def load_agents(self, uids: Iterable[str]) -> None:
        """Load agents ahead, in one look-up."""
        missing = [uid for uid in dict.fromkeys(uids) if uid not in self.agents]
        if missing:
            found = self.reader.agents(missing)
            self.agents.update((uid, found.get(uid)) for uid in missing)

    def load_windows(self, wanted: Mapping[str, tuple[Limit, Span, str | None]]) -> None:
        """Load windows ahead, in one look-up; those that do not exist begin empty."""
        missing = [uid for uid in wanted if uid not in self._windows]
        if missing:
            found = self.reader.windows(missing)
            for uid in missing:
                self._windows[uid] = found.get(uid) or self._new_window(uid, *wanted[uid])

    def load_paths(self, paths: Iterable[ChargePath]) -> None:
        """Find out ahead which charge paths exist, in one look-up."""
        missing = [path.uid for path in paths if path.uid not in self._paths]
        if missing:
            exist = self.reader.paths(missing)
            self._paths.update((uid, uid in exist) for uid in missing)

    def put_agent(self, agent: Agent) -> None:
        """Create or change an agent."""
        self.agents[agent.uid] = agent
        self.changes.agents[agent.uid] = agent

    def put_budget(self, budget: Budget) -> None:
        """Create or change a budget; the ledger's version moves on."""
        self.tree.put(budget)
        self.changes.budgets[budget.uid] = budget
        self.head.version += 1
        self._plans.clear()
        self._looks.clear()

    def put_card(self, revision: Revision) -> None:
        """Add a version of a rate card; the ledger's version moves on, so that every process reads it."""
        self.prices.put(revision)
        self.changes.cards.append(revision)
        self.head.version += 1

    def put_rates(self, given: GivenRates) -> None:
        """Add exchange rates, likewise."""
        self.prices.put_rates(given)
        self.changes.rates.append(given)
        self.head.version += 1

    def put_file(self, file: PriceFile) -> None:
        """Add an imported price file, likewise."""
        self.prices.put_file(file)
        self.changes.files.append(file)
        self.head.version += 1

    def month_use(self, uid: str) -> MonthUse:
        """What was used in a month of one thing."""
        if uid not in self._months:
            self._months[uid] = self.reader.months([uid]).get(uid) or MonthUse(uid)
        return self._months[uid]

    def put_month_use(self, use: MonthUse) -> None:
        """More was used."""
        self._months[use.uid] = use
        self.changes.months[use.uid] = use

    def put_agreed(self, agreed: Agreed) -> None:
        """Add a version of an agreement, likewise."""
        self.prices.agreements.put(agreed)
        self.changes.agreed.append(agreed)
        self.head.version += 1

    def agreement_month(self, uid: str) -> AgreementMonth | None:
        """A month of an agreement, if anything is known of it."""
        if uid not in self._agreement_months:
            self._agreement_months[uid] = self.reader.agreement_months([uid]).get(uid)
        return self._agreement_months[uid]

    def months_of_agreement(self, agreement_id: str) -> dict[str, AgreementMonth]:
        """All that is known of an agreement's months, by their keys, as this batch left them."""
        for stored in self.reader.months_of_agreement(self.tenant, agreement_id):
            if self._agreement_months.get(stored.uid) is None:
                self._agreement_months[stored.uid] = stored
        known = (each for each in self._agreement_months.values() if each is not None)
        return {each.key: each for each in known if each.agreement_id == agreement_id}

    def put_agreement_month(self, month: AgreementMonth) -> None:
        """A month of an agreement is new, or changed."""
        self._agreement_months[month.uid] = month
        self.changes.agreement_months[month.uid] = month

    def use_path(self, path: ChargePath) -> None:
        """Make sure that the path's node exists."""
        self._used[path.uid] = path
        if path.uid not in self._paths:
            self.load_paths([path])
        if not self._paths[path.uid]:
            self.changes.paths[path.uid] = path
            self._paths[path.uid] = True

    def window(self, budget: Budget, limit: Limit, instant_us: int) -> Window | None:
        """The window of a limit that holds the instant; None where the limit has none then."""
        span = window_span(budget, limit, instant_us)
        return None if span is None else self._window(window_uid(limit, span), limit, span)

    def _window(self, uid: str, limit: Limit, span: Span, member: str | None = None) -> Window:
        window = self._windows.get(uid)
        if window is None:
            window = self.reader.windows([uid]).get(uid) or self._new_window(uid, limit, span, member)
            self._windows[uid] = window
        return window

    def _new_window(self, uid: str, limit: Limit, span: Span, member: str | None = None) -> Window:
        """A window that does not exist yet. It begins empty, unless its limit or its bounds came later."""
        window = Window(uid, limit.uid, span.start_us, span.end_us)
        budget = self.tree.get(limit.budget_uid)
        if budget is not None:
            window.carried = carried_into(budget, limit, span, self._stored_window)
        if budget is not None and not begins_empty(budget, limit, span):
            self._count(limit, window, span, member)
        return window

    def _stored_window(self, uid: str) -> Window | None:
        """A window that was counted in, for what it leaves to the next one."""
        return self._windows.get(uid) or self.reader.windows([uid]).get(uid)

    def windows_of(self, limit: Limit, ending_after_us: int | None) -> list[Window]:
        """The windows of a limit that exist and end after an instant, or never; None: all of them."""
        for window in self.reader.windows_of(limit.uid, ending_after_us):
            self._windows.setdefault(window.uid, window)
        own = [window for window in self._windows.values() if window.limit_uid == limit.uid]
        for window in own:
            if not window.stored and window.uid not in self.changes.windows:
                del self._windows[window.uid]
                self._plans.clear()
        return [
            window
            for window in own
            if window.uid in self._windows
            and (ending_after_us is None or window.end_us is None or window.end_us > ending_after_us)
        ]

    def recount(self, limit: Limit, window: Window, span: Span) -> None:
        """Give a window other bounds, and what was truly charged in them."""
        member = None
        if limit.each is not None:
            member = window.uid.removeprefix(f"{limit.uid}@").partition("/")[2]
        window.start_us, window.end_us = span.start_us, span.end_us
        self._count(limit, window, span, member)
        self.touch(window)

    def _count(self, limit: Limit, window: Window, span: Span, member: str | None) -> None:
        """Fill a window with what was truly charged and is truly held."""
        window.spent = spent_in(self.reader, self.changes, self._used, limit, span, member)
        for hold in self.reader.open_holds(limit.budget_uid):
            self.holds.setdefault(hold.uid, hold)
        known = [hold for hold in self.holds.values() if hold is not None]
        for hold in hold_again(known, limit, window, span, member):
            self.put_hold(hold)

    def touch(self, window: Window) -> None:
        """The window changed: it is written with this batch."""
        self.changes.windows[window.uid] = window

    def hold_less(self, uids: Iterable[str], amount: int) -> None:
        """Some windows are kept from holding that much."""
        if not amount:
            return
        changed = self.changes.windows
        for uid in uids:
            window = self._windows.get(uid) or self.window_at(uid)
            if window is not None:
                window.reserved -= amount
                changed[uid] = window

    def emit(self, event_type: str, budget_uid: str, at_us: int, body: dict[str, Any]) -> None:
        """Write an event into the outbox."""
        seq = self.next_seq()
        payload = orjson.dumps({"event_id": seq_uid(self.tenant, seq), **body}).decode()
        self.changes.events.append(Event(self.tenant, seq, event_type, budget_uid, at_us, payload))

    def settled(self) -> None:
        """The batch is committed: what it changed is now what is."""
        for window in self.changes.windows.values():
            window.stored = True
        for uid, hold in self.changes.holds.items():
            hold.stored = True
            if hold.state is HoldState.HELD:
                self.kept[uid] = hold
            else:
                self.kept.pop(uid, None)
        self.changes = Changes()
        self.operations.clear()
        self.holds.clear()
        self.requests.clear()
        self._used.clear()
        self.batch += 1
        if len(self._windows) > CACHED_MAX or len(self._plans) > CACHED_MAX:
            self._windows.clear()
            self._plans.clear()
        if len(self.kept) > KEPT_MAX:
            self.kept.clear()
        if len(self.agents) > CACHED_MAX:
            self.agents.clear()
        if len(self._months) > CACHED_MAX:
            self._months.clear()
        if len(self._agreement_months) > CACHED_MAX:
            self._agreement_months.clear()
        if len(self._paths) > CACHED_MAX:
            self._paths.clear()
