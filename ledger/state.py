"""A tenant's ledger in memory while decisions are made on it.

The state is read under the ledger's lock and stays valid between batches as long as nobody else
committed: ``LedgerHead.commits`` tells. After a failed commit it is thrown away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from ledger.changes import Changes, Event, LedgerHead, RecordedOperation
from ledger.model import Agent, Budget, ChargePath, Limit, Meter, Pricing, Window, WindowKind, seq_uid
from ledger.results import RecordedUsage
from ledger.tree import BudgetTree
from ledger.windows import Span, window_span, window_uid


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """A usage that is recorded: enough to answer a repetition and to find who paid for it."""

    uid: str
    fingerprint: str
    leaf_uid: str
    pricing: Pricing
    answer: RecordedUsage


@dataclass(frozen=True, slots=True)
class Spent:
    """What entries add up to, by meter."""

    cost_nano: int
    tokens: int
    requests: int


class Reader(Protocol):
    """What decisions may read beyond what was loaded for them; all under the ledger's lock."""

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        """Those of the windows that exist, by uid."""
        ...

    def windows_of(self, limit_uid: str, ending_after_us: int | None) -> list[Window]:
        """The windows of a limit that exist and end after an instant, or never; None: all of them."""
        ...

    def paths(self, uids: Iterable[str]) -> set[str]:
        """Those of the charge paths that exist."""
        ...

    def agents(self, uids: Iterable[str]) -> dict[str, Agent]:
        """Those of the agents that exist, by uid."""
        ...

    def operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        """Those of the operations that exist, by uid."""
        ...

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        """What was charged to a budget in [start_us, end_us), from the entries themselves."""
        ...


@dataclass(slots=True)
class _Latest:
    """The last window that a limit was counted in: the next instant mostly falls into it again."""

    start_us: int
    end_us: int
    window: Window


FOREVER_US: Final = 2**63 - 1
CACHED_MAX: Final = 100_000
AHEAD_MAX_US: Final = 5 * 60 * 1_000_000
"""How far ahead of the ledger's time a usage may have happened."""


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
    _latest: dict[str, _Latest] = field(default_factory=dict[str, _Latest])
    _paths: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether the path's node exists."""
    _used: dict[str, ChargePath] = field(default_factory=dict[str, ChargePath])
    """The paths that this batch charged."""

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

    def agent(self, uid: str) -> Agent | None:
        """The agent, if it exists."""
        if uid not in self.agents:
            self.agents[uid] = self.reader.agents([uid]).get(uid)
        return self.agents[uid]

    def load_agents(self, uids: Iterable[str]) -> None:
        """Load agents ahead, in one look-up."""
        missing = [uid for uid in dict.fromkeys(uids) if uid not in self.agents]
        if missing:
            found = self.reader.agents(missing)
            self.agents.update((uid, found.get(uid)) for uid in missing)

    def load_windows(self, wanted: Iterable[tuple[Limit, Span]]) -> None:
        """Load windows ahead, in one look-up; those that do not exist begin empty."""
        missing = {
            uid: (limit, span)
            for limit, span in wanted
            if (uid := window_uid(limit, span)) not in self._windows
        }
        if missing:
            found = self.reader.windows(missing)
            for uid, (limit, span) in missing.items():
                self._windows[uid] = found.get(uid) or self._new_window(uid, limit, span)

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
        self._latest.clear()

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
        latest = self._latest.get(limit.uid)
        if latest is not None and latest.start_us <= instant_us < latest.end_us:
            return latest.window
        span = window_span(budget, limit, instant_us)
        if span is None:
            return None
        window = self._window(window_uid(limit, span), limit, span)
        self._latest[limit.uid] = _Latest(
            -FOREVER_US if span.start_us is None else span.start_us,
            FOREVER_US if span.end_us is None else span.end_us,
            window,
        )
        return window

    def _window(self, uid: str, limit: Limit, span: Span) -> Window:
        window = self._windows.get(uid)
        if window is None:
            window = self.reader.windows([uid]).get(uid) or self._new_window(uid, limit, span)
            self._windows[uid] = window
        return window

    def _new_window(self, uid: str, limit: Limit, span: Span) -> Window:
        """A window that does not exist yet. It begins empty, unless its limit or its bounds came later."""
        window = Window(uid, limit.uid, span.start_us, span.end_us)
        budget = self.tree.get(limit.budget_uid)
        changed_us = max(limit.since_us, 0 if budget is None else budget.recut_us)
        if (
            changed_us
            and limit.counts_all
            and (span.start_us is None or span.start_us <= changed_us + AHEAD_MAX_US)
            and (span.end_us is None or span.end_us > changed_us or limit.window is WindowKind.PERIOD)
        ):
            window.spent = self._spent(limit, span)
        return window

    def windows_of(self, limit: Limit, ending_after_us: int | None) -> list[Window]:
        """The windows of a limit that exist and end after an instant, or never; None: all of them."""
        for window in self.reader.windows_of(limit.uid, ending_after_us):
            self._windows.setdefault(window.uid, window)
        own = [window for window in self._windows.values() if window.limit_uid == limit.uid]
        for window in own:
            if not window.stored and window.uid not in self.changes.windows:
                del self._windows[window.uid]
        return [
            window
            for window in own
            if window.uid in self._windows
            and (ending_after_us is None or window.end_us is None or window.end_us > ending_after_us)
        ]

    def recount(self, limit: Limit, window: Window, span: Span) -> None:
        """Give a window other bounds, and what was truly charged in them."""
        window.start_us, window.end_us = span.start_us, span.end_us
        window.spent = self._spent(limit, span)
        self.touch(window)

    def _spent(self, limit: Limit, span: Span) -> int:
        """What was charged to a limit's budget in a span, by the entries and by this batch."""
        if span.start_us is not None and span.start_us == span.end_us:
            return 0
        stored = self.reader.spent(limit.budget_uid, span.start_us, span.end_us)
        spent = {
            Meter.COST: stored.cost_nano,
            Meter.TOKENS: stored.tokens,
            Meter.REQUESTS: stored.requests,
        }.get(limit.meter, 0)
        for operation in self.changes.operations:
            if limit.budget_uid in self._used[operation.path_uid].budget_uids:
                spent += _counted(operation, limit.meter) if span.holds(operation.timestamp_us) else 0
        return spent

    def touch(self, window: Window) -> None:
        """The window changed: it is written with this batch."""
        self.changes.windows[window.uid] = window

    def emit(self, event_type: str, budget_uid: str, at_us: int, body: dict[str, Any]) -> None:
        """Write an event into the outbox."""
        seq = self.next_seq()
        payload = orjson.dumps({"event_id": seq_uid(self.tenant, seq), **body}).decode()
        self.changes.events.append(Event(self.tenant, seq, event_type, budget_uid, at_us, payload))

    def settled(self) -> None:
        """The batch is committed: what it changed is now what is."""
        for window in self.changes.windows.values():
            window.stored = True
        self.changes = Changes()
        self.operations.clear()
        self._used.clear()
        if len(self._windows) > CACHED_MAX:
            self._windows.clear()
            self._latest.clear()
        if len(self.agents) > CACHED_MAX:
            self.agents.clear()
        if len(self._paths) > CACHED_MAX:
            self._paths.clear()


def _counted(operation: RecordedOperation, meter: Meter) -> int:
    match meter:
        case Meter.COST:
            return 0 if operation.entry is None else operation.entry.total_cost_nano
        case Meter.TOKENS:
            return operation.usage.counts.total_tokens
        case Meter.REQUESTS:
            return 1
        case _:
            return 0
