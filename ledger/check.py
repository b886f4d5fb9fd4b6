"""The books against themselves: what windows must have counted, recomputed from the entries.

Pure: ``graph`` reads the entries and the windows, and looks at a mismatch again under the ledger's lock.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger.holds import Hold, HoldState
from ledger.model import ChargePath, Limit, Meter, Window
from ledger.reader import Spent
from ledger.recount import fits_facts
from ledger.tree import BudgetTree


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

    limit: Limit
    windows: list[Window]
    starts: list[int] = field(default_factory=list[int])
    counted: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.windows.sort(key=lambda window: -1 if window.start_us is None else window.start_us)
        self.starts = [-1 if window.start_us is None else window.start_us for window in self.windows]
        self.counted = [0] * len(self.windows)

    def add(self, at_us: int, amount: int) -> None:
        index = bisect_right(self.starts, at_us) - 1
        if index >= 0:
            end_us = self.windows[index].end_us
            if end_us is None or at_us < end_us:
                self.counted[index] += amount


class Recount:
    """Adds entries up, window by window, for the budgets of a subtree."""

    def __init__(self, tree: BudgetTree, budget_uids: Iterable[str], windows: Iterable[Window]) -> None:
        by_limit: dict[str, list[Window]] = {}
        for window in windows:
            by_limit.setdefault(window.limit_uid, []).append(window)
        self._tree = tree
        self._series: dict[str, list[_Series]] = {}
        for uid in budget_uids:
            budget = tree.get(uid)
            if budget is not None:
                self._series[uid] = [
                    _Series(limit, by_limit.get(limit.uid, [])) for limit in budget.limits if limit.counts_all
                ]

    def add(self, path: ChargePath, at_us: int, counts: Mapping[Meter, int]) -> None:
        """Count one entry on every budget of its path."""
        for budget_uid in path.budget_uids:
            for series in self._series.get(budget_uid, ()):
                amount = counts.get(series.limit.meter)
                if amount:
                    series.add(at_us, amount)

    def mismatches(self) -> list[tuple[Limit, Window, int]]:
        """Windows that counted something else than their entries, with what the entries say."""
        return [
            (series.limit, window, counted)
            for every in self._series.values()
            for series in every
            for window, counted in zip(series.windows, series.counted, strict=True)
            if window.spent != counted and counts_still(series.limit, window)
        ]


def counts_still(limit: Limit, window: Window) -> bool:
    """Whether a limit has this window: not where it ended before the limit came (back) to the budget."""
    return window.end_us is None or window.end_us > limit.since_us


def spend_of(limit: Limit, window: Window, charged: Iterable[Spent]) -> int:
    """What a window must have counted of what was charged to its budget in its span."""
    member = None
    if limit.each is not None:
        member = window.uid.removeprefix(f"{limit.uid}@").partition("/")[2]
    mine = [each for each in charged if limit.counts_all or fits_facts(limit, member, each.facts())]
    match limit.meter:
        case Meter.COST:
            return sum(each.cost_nano for each in mine)
        case Meter.TOKENS:
            return sum(each.tokens for each in mine)
        case Meter.REQUESTS:
            return sum(each.requests for each in mine)
        case _:
            return 0


def held_on(holds: Iterable[Hold]) -> dict[str, int]:
    """What open holds have reserved, by window."""
    reserved: dict[str, int] = {}
    for hold in holds:
        if hold.state is HoldState.HELD:
            for uid, amount in hold.amounts():
                reserved[uid] = reserved.get(uid, 0) + amount
    return reserved
