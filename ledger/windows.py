"""Windows of limits: which stretch of time an instant falls into, and how a budget stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.model import Budget, BudgetState, Limit, Recurrence, Schedule, Window, WindowKind
from pricing.calendar import Unit, bounds, zone

PPM = 1_000_000
EXCEEDED_PPM = PPM

_RECURRENCE_UNIT = {
    Recurrence.DAILY: Unit.DAY,
    Recurrence.WEEKLY: Unit.WEEK,
    Recurrence.MONTHLY: Unit.MONTH,
    Recurrence.QUARTERLY: Unit.QUARTER,
    Recurrence.YEARLY: Unit.YEAR,
}
_CALENDAR = frozenset(
    {WindowKind.MINUTE, WindowKind.HOUR, WindowKind.DAY, WindowKind.WEEK, WindowKind.MONTH, WindowKind.YEAR}
)


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


def schedule_at(budget: Budget, instant_us: int) -> tuple[Schedule, int | None]:
    """The schedule in force at an instant, and when the next one begins (None: never)."""
    current, until = budget.schedules[0], None
    for schedule in budget.schedules[1:]:
        if schedule.from_us <= instant_us:
            current = schedule
        else:
            until = schedule.from_us
            break
    return current, until


def window_span(budget: Budget, kind: WindowKind | None, instant_us: int) -> Span | None:
    """The window of that kind that holds the instant.

    None outside the budget's period, and for limits without a window.

    A recurring period is the calendar unit in the budget's zone, cut where the budget's own period
    begins or ends. Windows are keyed by the UTC start of the uncut calendar unit.
    """
    if kind is None or kind is WindowKind.REQUEST:
        return None
    if kind is WindowKind.LIFETIME:
        return LIFETIME
    schedule, until_us = schedule_at(budget, instant_us)
    if kind in _CALENDAR:
        return _calendar_span(Unit(kind.value), schedule, until_us, instant_us)
    start_us, end_us = budget.period_start_us, budget.period_end_us
    if (start_us is not None and instant_us < start_us) or (end_us is not None and instant_us >= end_us):
        return None
    if schedule.recurrence is Recurrence.NONE:
        # One key whatever the bounds: when they change, the window is recounted, and its holds stay on it.
        key = "period" if schedule is budget.schedules[0] else f"period{schedule.from_us}"
        return Span(key, _latest(start_us, schedule.from_us or None), _earliest(end_us, until_us))
    span = _calendar_span(_RECURRENCE_UNIT[schedule.recurrence], schedule, until_us, instant_us)
    return Span(span.key, _latest(span.start_us, start_us), _earliest(span.end_us, end_us))


def _latest(left_us: int | None, right_us: int | None) -> int | None:
    return max((each for each in (left_us, right_us) if each is not None), default=None)


def _earliest(left_us: int | None, right_us: int | None) -> int | None:
    return min((each for each in (left_us, right_us) if each is not None), default=None)


def _calendar_span(unit: Unit, schedule: Schedule, until_us: int | None, instant_us: int) -> Span:
    start_us, end_us = bounds(unit, instant_us, zone(schedule.timezone))
    key = str(start_us)
    # A schedule begins with a window of its own, even where its zone's unit began before it.
    if start_us < schedule.from_us:
        start_us, key = schedule.from_us, str(schedule.from_us)
    return Span(key, start_us, end_us if until_us is None else min(end_us, until_us))


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

    @property
    def available(self) -> int | None:
        """What is left of the amount; negative when overspent; None without an amount."""
        amount = self.budget.amount_nano
        return None if amount is None else amount - self.spent - self.reserved

    @property
    def utilization(self) -> float | None:
        """Spent / amount as a fraction; None without an amount."""
        amount = self.budget.amount_nano
        if amount is None:
            return None
        return self.spent / amount if amount else float(self.spent > 0)


def _standing_instant(budget: Budget, now_us: int) -> int:
    """The instant whose window is shown: now, or the nearest one inside the budget's period."""
    if budget.period_start_us is not None and now_us < budget.period_start_us:
        return budget.period_start_us
    if budget.period_end_us is not None and now_us >= budget.period_end_us:
        return budget.period_end_us - 1
    return now_us


def current_windows(budget: Budget, now_us: int) -> list[tuple[Limit, Window]]:
    """The limits that have windows, each with its current window, empty; limits per member are left out."""
    instant_us = _standing_instant(budget, now_us)
    found: list[tuple[Limit, Window]] = []
    for limit in budget.limits:
        span = window_span(budget, limit.window, instant_us)
        if span is not None and limit.each is None:
            found.append((limit, Window(window_uid(limit, span), limit.uid, span.start_us, span.end_us)))
    return found


def standing_of(budget: Budget, windows: Mapping[str, Window], now_us: int) -> Standing:
    """How a budget stands; ``windows`` holds those of ``current_windows`` that exist, by uid."""
    limits = tuple(
        LimitStatus(limit, windows.get(window.uid, window))
        for limit, window in current_windows(budget, now_us)
    )
    own = limits[0].window
    return Standing(
        budget,
        own.spent,
        own.reserved,
        own.forced,
        _state(budget, own, now_us),
        own.start_us,
        own.end_us,
        limits,
    )


def _state(budget: Budget, own: Window, now_us: int) -> BudgetState:  # noqa: PLR0911 - one line a state
    if budget.closed_at_us is not None:
        return BudgetState.CLOSED
    if budget.period_start_us is not None and now_us < budget.period_start_us:
        return BudgetState.NOT_STARTED
    if budget.period_end_us is not None and now_us >= budget.period_end_us:
        return BudgetState.ENDED
    if budget.amount_nano is None:
        return BudgetState.OK
    if reached(own.spent, budget.amount_nano, EXCEEDED_PPM):
        return BudgetState.EXCEEDED
    if reached(own.spent, budget.amount_nano, budget.warning_threshold_ppm):
        return BudgetState.WARNING
    return BudgetState.OK


def effective_available(standings: list[Standing]) -> int | None:
    """The least that is available on a budget and its ancestors; None where none has an amount."""
    left = [standing.available for standing in standings if standing.available is not None]
    return min(left, default=None)
