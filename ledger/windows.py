"""Windows of limits: which stretch of time an instant falls into, and how a budget stands in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ledger.model import (
    AMOUNT_LIMIT,
    WALLET_LIMIT,
    Budget,
    BudgetState,
    Limit,
    Meter,
    Recurrence,
    Schedule,
    Window,
    WindowKind,
)
from pricing.calendar import Unit, bounds, zone

PPM: Final = 1_000_000
EXCEEDED_PPM: Final = PPM
AHEAD_MAX_US: Final = 5 * 60 * 1_000_000
"""How far ahead of the ledger's time a usage may have happened."""
CARRY_BACK_MAX: Final = 1_000
"""How many idle periods carry-over looks back over."""

_RECURRENCE_UNIT = {
    Recurrence.DAILY: Unit.DAY,
    Recurrence.WEEKLY: Unit.WEEK,
    Recurrence.MONTHLY: Unit.MONTH,
    Recurrence.QUARTERLY: Unit.QUARTER,
    Recurrence.YEARLY: Unit.YEAR,
}
_PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Span:
    """A window's place in time, [start_us, end_us), and its key within the limit."""

    key: str
    start_us: int | None
    end_us: int | None

    def holds(self, instant_us: int) -> bool:
        """Whether the instant falls into it."""
        return (self.start_us is None or self.start_us <= instant_us) and (
            self.end_us is None or instant_us < self.end_us
        )


LIFETIME = Span("lifetime", None, None)
LEVEL_SPAN: Final = Span("level", None, None)
"""The one window of what is held at once."""
GONE = Span("", 0, 0)
"""No instant at all: where a window ends up that its budget no longer has."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """From when on which calendar unit, in which zone, cuts the windows of one kind (None: nothing does)."""

    from_us: int
    unit: Unit | None
    timezone: str


@lru_cache(maxsize=4096)
def _cuts(schedules: tuple[Schedule, ...], kind: WindowKind) -> tuple[_Cut, ...]:
    """How the windows of a kind are cut over time: each change begins when the running window ends.

    What was decided and withdrawn within one window never took effect.
    """
    cuts = [_cut(schedules[0], kind, 0)]
    for schedule in schedules[1:]:
        while cuts[-1].from_us > schedule.decided_us:
            cuts.pop()
        now, then = cuts[-1], _cut(schedule, kind, schedule.decided_us)
        # Where the running window has no end of its own, it ends where the first of the new ones begins.
        running = then if now.unit is None else now
        if running.unit is None or (now.unit, now.timezone) == (then.unit, then.timezone):
            continue
        _, end_us = bounds(running.unit, schedule.decided_us, zone(running.timezone))
        cuts.append(_Cut(end_us, then.unit, then.timezone))
    return tuple(cuts)


def _cut(schedule: Schedule, kind: WindowKind, from_us: int) -> _Cut:
    unit = _RECURRENCE_UNIT.get(schedule.recurrence) if kind is WindowKind.PERIOD else Unit(kind.value)
    return _Cut(from_us, unit, "" if unit is None else schedule.timezone)


def window_span(budget: Budget, limit: Limit, instant_us: int) -> Span | None:
    """The window of a limit that holds the instant.

    None outside the budget's period, for limits without a window, and where the window had ended before
    the limit was added. A recurring period is the calendar unit in the budget's zone, cut where the
    budget's own period begins or ends. Windows are keyed by the UTC start of the uncut calendar unit.
    """
    if limit.window is None or limit.window is WindowKind.REQUEST:
        return None
    span = _existing(budget, limit, _uncut(budget, limit.window, instant_us))
    return span if span is not None and span.holds(instant_us) else None


def keyed_span(budget: Budget, limit: Limit, key: str) -> Span | None:
    """The window of a limit with that key; None where the budget as it is now has no such window."""
    if limit.window is None or limit.window is WindowKind.REQUEST:
        return None
    digits = key.removeprefix(_PERIOD)
    span = _uncut(budget, limit.window, int(digits) if digits.isdecimal() else 0)
    return _existing(budget, limit, span) if span.key == key else None


def begins_empty(budget: Budget, limit: Limit, span: Span) -> bool:
    """Whether a window that is not stored yet holds no charge: each would have stored it.

    Else its limit, or its bounds, came after charges that may lie in it.
    """
    # A change of zone cuts the other windows at quarters of an hour, further ahead than usage may happen.
    changed_us = max(limit.since_us, budget.recut_us if limit.window is WindowKind.PERIOD else 0)
    return not changed_us or (span.start_us is not None and span.start_us > changed_us + AHEAD_MAX_US)


def _uncut(budget: Budget, kind: WindowKind, instant_us: int) -> Span:
    """The window by the calendar alone, wherever the budget's period begins and ends."""
    if kind is WindowKind.LIFETIME:
        return LIFETIME
    cuts = _cuts(budget.schedules, kind)
    index = len(cuts) - 1
    while cuts[index].from_us > instant_us and index:
        index -= 1
    cut = cuts[index]
    until_us = cuts[index + 1].from_us if index + 1 < len(cuts) else None
    if cut.unit is None:
        # One key whatever the bounds: when they change, the window is recounted, and its holds stay on it.
        return Span(f"{_PERIOD}{cut.from_us or ''}", cut.from_us or None, until_us)
    start_us, end_us = bounds(cut.unit, instant_us, zone(cut.timezone))
    # A change begins with a window of its own, even where its zone's unit began before it.
    start_us = max(start_us, cut.from_us)
    return Span(str(start_us), start_us, _earliest(end_us, until_us))


def _existing(budget: Budget, limit: Limit, span: Span) -> Span | None:
    if limit.key == WALLET_LIMIT:
        # What was spent before the first credit was not spent from it.
        return Span(span.key, limit.since_us, None)
    if limit.window is WindowKind.PERIOD:
        start_us = _latest(span.start_us, budget.period_start_us)
        end_us = _earliest(span.end_us, budget.period_end_us)
        if start_us is not None and end_us is not None and end_us <= start_us:
            return None
        span = Span(span.key, start_us, end_us)
    return None if span.end_us is not None and span.end_us <= limit.since_us else span


def _latest(left_us: int | None, right_us: int | None) -> int | None:
    return max((each for each in (left_us, right_us) if each is not None), default=None)


def _earliest(left_us: int | None, right_us: int | None) -> int | None:
    return min((each for each in (left_us, right_us) if each is not None), default=None)


def amount_at(limit: Limit, window: Window, at_us: int) -> int | None:
    """What a limit allows in a window: its amount, what was carried over, and increases in force then."""
    return None if limit.amount is None else limit.amount + _on_top(limit, window, at_us)


def _on_top(limit: Limit, window: Window, at_us: int) -> int:
    increases = (each.amount for each in limit.increases if each.from_us <= at_us < each.until_us)
    return window.carried + sum(increases)


def changes_at(limit: Limit) -> Iterator[int]:
    """The instants at which increases begin and end."""
    for increase in limit.increases:
        yield increase.from_us
        yield increase.until_us


def carried_into(budget: Budget, limit: Limit, span: Span, stored: Callable[[str], Window | None]) -> int:
    """What a budget's new period has on top of its amount: what the last one left over, up to the cap.

    Money that is still held then is not left over. Periods in which nothing happened leave the amount
    and what they were carried themselves. ``stored`` finds a window that was counted in.
    """
    cap = budget.carry_over_cap_nano
    if cap is None or limit.key != AMOUNT_LIMIT or limit.amount is None or span.start_us is None:
        return 0
    idle, carried, at_us = 0, 0, span.start_us
    while idle * limit.amount < cap and idle < CARRY_BACK_MAX:
        before = window_span(budget, limit, at_us - 1) if at_us > budget.created_at_us else None
        if before is None:
            break
        window = stored(window_uid(limit, before))
        if window is not None:
            left = limit.amount + window.carried - window.spent - window.reserved
            carried = min(cap, max(0, left))
            break
        idle += 1
        if before.start_us is None:
            break
        at_us = before.start_us
    return min(cap, carried + idle * limit.amount)


def window_uid(limit: Limit, span: Span, member: str | None = None) -> str:
    """The key of a window: limit, start, and the member for a limit that counts each one apart."""
    uid = f"{limit.uid}@{span.key}"
    return uid if member is None else f"{uid}/{member}"


def reached(counted: int, amount: int, threshold_ppm: int) -> bool:
    """Whether counted / amount ≥ threshold, in integers. An amount of 0 is reached by anything above 0."""
    if amount == 0:
        return counted > 0
    return counted * PPM >= amount * threshold_ppm


def utilization_ppm(counted: int, amount: int) -> int:
    """Utilisation in parts per million, rounded down; of an amount of 0: 0 while unspent, then 1."""
    if amount == 0:
        return PPM if counted > 0 else 0
    return counted * PPM // amount


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """One limit in its current window; figures in the limit's unit."""

    limit: Limit
    window: Window
    amount: int | None
    """What the limit allows in this window: its amount, what was carried over, increases in force."""

    @property
    def available(self) -> int | None:
        """What is left; negative when overspent; None without an amount."""
        return None if self.amount is None else self.amount - self.window.spent - self.window.reserved

    @property
    def used(self) -> int:
        """What counts towards the limit: what is spent or, of what is held at once, what is held."""
        return self.window.reserved if self.limit.meter is Meter.LEVEL else self.window.spent


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in its own current window, in nano-units of its currency."""

    budget: Budget
    spent: int
    reserved: int
    forced: int
    state: BudgetState
    window_start_us: int | None
    window_end_us: int | None
    limits: tuple[LimitStatus, ...]
    amount: int | None = None
    """What the budget allows in this window: its amount, what was carried over, increases in force."""

    @property
    def available(self) -> int | None:
        """What is left of the amount; negative when overspent; None without an amount."""
        return None if self.amount is None else self.amount - self.spent - self.reserved

    @property
    def wallet(self) -> LimitStatus | None:
        """Its prepaid credit; None of a budget that was never topped up."""
        return next((each for each in self.limits if each.limit.key == WALLET_LIMIT), None)

    @property
    def utilization(self) -> float | None:
        """Spent / amount as a fraction; None without an amount."""
        if self.amount is None:
            return None
        return self.spent / self.amount if self.amount else float(self.spent > 0)


def standing_instant(budget: Budget, limit: Limit, now_us: int) -> int:
    """The instant whose window is shown: now; for its period, the nearest one inside the period."""
    if limit.key == WALLET_LIMIT:
        return max(now_us, limit.since_us)
    if limit.window is not WindowKind.PERIOD:
        return now_us
    if budget.period_start_us is not None and now_us < budget.period_start_us:
        return budget.period_start_us
    if budget.period_end_us is not None and now_us >= budget.period_end_us:
        return budget.period_end_us - 1
    return now_us


def current_windows(budget: Budget, now_us: int) -> list[tuple[Limit, Window]]:
    """The limits that have windows, each with its current window, empty; limits per member are left out."""
    found: list[tuple[Limit, Window]] = []
    for limit in budget.limits:
        level = limit.meter is Meter.LEVEL
        span = LEVEL_SPAN if level else window_span(budget, limit, standing_instant(budget, limit, now_us))
        if span is not None and limit.each is None:
            found.append((limit, Window(window_uid(limit, span), limit.uid, span.start_us, span.end_us)))
    return found


def windows_before(budget: Budget, now_us: int) -> list[str]:
    """The uids of the windows that tell what is carried into a budget's own, unless that is stored."""
    asked: list[str] = []
    _carried_now(budget, now_us, asked.append)
    return asked


def _carried_now(budget: Budget, now_us: int, stored: Callable[[str], Window | None]) -> int:
    own = budget.limits[0]
    span = window_span(budget, own, standing_instant(budget, own, now_us))
    return 0 if span is None else carried_into(budget, own, span, stored)


def standing_of(budget: Budget, windows: Mapping[str, Window], now_us: int) -> Standing:
    """How a budget stands; ``windows`` holds those of ``current_windows`` that exist, by uid.

    Where the budget's own does not exist yet, those of ``windows_before`` tell what it will be carried.
    """
    limits = tuple(
        _limit_status(budget, limit, windows.get(window.uid) or window, windows, now_us)
        for limit, window in current_windows(budget, now_us)
    )
    first, own = limits[0].limit, limits[0].window
    amount = budget.amount_nano
    if amount is not None:
        amount += _on_top(first, own, standing_instant(budget, first, now_us))
    return Standing(
        budget,
        own.spent,
        own.reserved,
        own.forced,
        _state(budget, own, amount, now_us),
        own.start_us,
        own.end_us,
        limits,
        amount,
    )


def _limit_status(
    budget: Budget, limit: Limit, window: Window, windows: Mapping[str, Window], now_us: int
) -> LimitStatus:
    if limit.key == AMOUNT_LIMIT and window.uid not in windows:
        window.carried = _carried_now(budget, now_us, windows.get)
    return LimitStatus(limit, window, amount_at(limit, window, standing_instant(budget, limit, now_us)))


def _state(  # noqa: PLR0911 - one line a state
    budget: Budget, own: Window, amount: int | None, now_us: int
) -> BudgetState:
    if budget.closed_at_us is not None:
        return BudgetState.CLOSED
    if budget.period_start_us is not None and now_us < budget.period_start_us:
        return BudgetState.NOT_STARTED
    if budget.period_end_us is not None and now_us >= budget.period_end_us:
        return BudgetState.ENDED
    if amount is None:
        return BudgetState.OK
    if reached(own.spent, amount, EXCEEDED_PPM):
        return BudgetState.EXCEEDED
    if reached(own.spent, amount, budget.warning_threshold_ppm):
        return BudgetState.WARNING
    return BudgetState.OK


def effective_available(standings: list[Standing]) -> int | None:
    """The least that amounts and wallets of a budget and its ancestors have available; None without any."""
    left = [standing.available for standing in standings]
    left += [standing.wallet.available for standing in standings if standing.wallet is not None]
    return min((each for each in left if each is not None), default=None)
