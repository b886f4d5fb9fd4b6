"""The books against themselves: what windows must have counted, recomputed from the entries.

Pure: ``graph`` reads the entries and the windows, and looks at a mismatch again under the ledger's lock.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.holds import Hold, HoldState
from ledger.model import Budget, ChargePath, Limit, Meter, Window
from ledger.reader import Spent
from ledger.recount import fits_facts
from ledger.tree import BudgetTree
from ledger.windows import Span, begins_empty, keyed_span, window_span, window_uid


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that does not hold: what was expected from the entries, what was found."""

    invariant: str
    budget_id: str | None
    expected: str
    actual: str


@dataclass(slots=True)
class _Series:
    """The windows of one limit by start, each with what the entries say it counted."""

    budget: Budget
    limit: Limit
    spans: list[Span] = field(default_factory=list[Span])
    windows: list[Window] = field(default_factory=list[Window])
    starts: list[int] = field(default_factory=list[int])
    counted: list[int] = field(default_factory=list[int])

    def put(self, window: Window, span: Span) -> int:
        """Take a window in; its place."""
        start_us = -1 if span.start_us is None else span.start_us
        index = bisect_right(self.starts, start_us)
        self.starts.insert(index, start_us)
        self.spans.insert(index, span)
        self.windows.insert(index, window)
        self.counted.insert(index, 0)
        return index

    def add(self, at_us: int, amount: int) -> None:
        index = bisect_right(self.starts, at_us) - 1
        if index < 0 or not self.spans[index].holds(at_us):
            span = window_span(self.budget, self.limit, at_us)
            if span is None or not begins_empty(self.budget, self.limit, span):
                return
            # A window that should be there and is not has counted nothing.
            missing = Window(window_uid(self.limit, span), self.limit.uid, span.start_us, span.end_us)
            index = self.put(missing, span)
        self.counted[index] += amount


class Recount:
    """Adds entries up, window by window, for the budgets of a subtree."""

    def __init__(self, tree: BudgetTree, budget_uids: Iterable[str], windows: Iterable[Window]) -> None:
        self._series: dict[str, list[_Series]] = {}
        by_limit: dict[str, _Series] = {}
        for uid in budget_uids:
            budget = tree.get(uid)
            if budget is not None:
                own = [_Series(budget, limit) for limit in budget.limits if limit.counts_all]
                by_limit.update((series.limit.uid, series) for series in own)
                self._series[uid] = own
        for window in sorted(windows, key=lambda each: each.start_us or 0):
            series = by_limit.get(window.limit_uid)
            span = None if series is None else span_of(series.budget, series.limit, window)
            if series is not None and span is not None:
                series.put(window, span)

    def add(self, path: ChargePath, at_us: int, counts: Mapping[Meter, int]) -> None:
        """Count one entry on every budget of its path."""
        for budget_uid in path.budget_uids:
            for series in self._series.get(budget_uid, ()):
                amount = counts.get(series.limit.meter)
                if amount:
                    series.add(at_us, amount)

    def mismatches(self) -> list[tuple[Limit, Window]]:
        """Windows that counted something else than their entries, or that lie elsewhere than they should."""
        return [
            (series.limit, window)
            for every in self._series.values()
            for series in every
            for window, span, counted in zip(series.windows, series.spans, series.counted, strict=True)
            if window.spent != counted or (window.start_us, window.end_us) != (span.start_us, span.end_us)
        ]


@dataclass(slots=True)
class Forcing:
    """What charges say that they forced past limits, by window, up to a number of the sequence."""

    seq: int = 0
    _amounts: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, windows: Sequence[str] | None, amounts: Sequence[int] | None) -> None:
        """Count one charge."""
        for uid, amount in zip(windows or (), amounts or (), strict=True):
            self._amounts[uid] = self.on(uid) + amount

    def on(self, window_uid: str) -> int:
        """What was forced in a window, in its limit's unit."""
        return self._amounts.get(window_uid, 0)


def span_of(budget: Budget, limit: Limit, window: Window) -> Span | None:
    """Where a window lies as the budget is now; None where the budget has no such window any more."""
    return keyed_span(budget, limit, window.uid.removeprefix(f"{limit.uid}@").partition("/")[0])


def spend_of(limit: Limit, window: Window, charged: Iterable[Spent]) -> int:
    """What a window must have counted of what was charged to its budget in its span, by facts."""
    member = None
    if limit.each is not None:
        member = window.uid.removeprefix(f"{limit.uid}@").partition("/")[2]
    mine = [each for each in charged if fits_facts(limit, member, each.facts())]
    match limit.meter:
        case Meter.COST:
            return sum(each.cost_nano for each in mine)
        case Meter.TOKENS:
            return sum(each.tokens for each in mine)
        case Meter.REQUESTS:
            return sum(each.requests for each in mine)
        case _:
            return 0


def holes(numbers: bytearray) -> Iterator[Finding]:
    """Runs of a tenant's sequence that nothing has: an entry, an event or an unpriced usage is gone.

    ``numbers`` has a byte for each number from 0 on, not 0 where something was found.
    """
    begin = numbers.find(0, 1)
    while begin != -1:
        end = numbers.find(1, begin)
        end = len(numbers) if end == -1 else end
        name = str(begin) if end == begin + 1 else f"{begin}..{end - 1}"
        yield Finding(f"sequence {name}", None, "an entry, an event or an unpriced usage", "nothing")
        begin = numbers.find(0, end)


def held_on(holds: Iterable[Hold]) -> dict[str, int]:
    """What open holds have reserved, by window."""
    reserved: dict[str, int] = {}
    for hold in holds:
        if hold.state is HoldState.HELD:
            for uid, amount in hold.amounts():
                reserved[uid] = reserved.get(uid, 0) + amount
    return reserved
