"""Windows: calendar units in a zone, cut by periods and by changes; and how a budget stands in them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import limits_of, thresholds
from ledger.model import (
    Budget,
    BudgetState,
    BudgetType,
    Limit,
    Meter,
    Recurrence,
    Schedule,
    Window,
    WindowKind,
)
from ledger.windows import (
    PPM,
    Span,
    current_windows,
    effective_available,
    keyed_span,
    reached,
    standing_of,
    utilization_ppm,
    window_span,
    window_uid,
)
from pricing.calendar import DAY_US, HOUR_US
from tests.support.desk import limit, us

NEW_YORK = "America/New_York"
ZONES = ["UTC", NEW_YORK, "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]
TIMED = [kind for kind in WindowKind if kind is not WindowKind.REQUEST]


def a_budget(*kinds: WindowKind, timezone: str = "UTC", **fields: Any) -> Budget:
    """A budget of 100 with a limit on requests for each of the kinds."""
    recurrence = fields.pop("recurrence", Recurrence.NONE)
    specs = tuple(limit(Meter.REQUESTS, 10, kind) for kind in kinds)
    budget = Budget(
        uid="t/b",
        tenant="t",
        budget_id="b",
        parent_uid=None,
        name=None,
        amount_nano=100,
        currency="USD",
        budget_type=BudgetType.CUSTOM,
        resource_id=None,
        period_start_us=None,
        period_end_us=None,
        recurrence=recurrence,
        timezone=timezone,
        rollup_timezone=timezone,
        warning_threshold_ppm=800_000,
        priority=None,
        created_at_us=0,
        schedules=(Schedule(0, recurrence, timezone),),
        limits=limits_of("t/b", 100, thresholds(800_000), specs),
    )
    return replace(budget, **fields)


def decided(budget: Budget, *changes: tuple[str, Recurrence, str]) -> Budget:
    """The budget after changes of recurrence and zone, each at an instant."""
    schedules = tuple(Schedule(us(at), recurrence, zone) for at, recurrence, zone in changes)
    last = schedules[-1]
    return replace(
        budget,
        recurrence=last.recurrence,
        timezone=last.timezone,
        schedules=(*budget.schedules, *schedules),
    )


def of_kind(budget: Budget, kind: WindowKind | None) -> Limit:
    """The budget's limit of that kind; None is its own amount."""
    return next(each for each in budget.limits if kind is None or each.window is kind)


def span(budget: Budget, kind: WindowKind | None, at: str) -> Span | None:
    """The window at an instant."""
    return window_span(budget, of_kind(budget, kind), us(at))


def between(start: str | None, end: str | None, key: str | None = None) -> Span:
    """The window between two instants, keyed by the first unless said otherwise."""
    start_us = None if start is None else us(start)
    return Span(key or str(start_us), start_us, None if end is None else us(end))


@pytest.mark.parametrize(
    ("kind", "zone", "at", "start", "end"),
    [
        (WindowKind.MINUTE, "UTC", "2026-11-22T09:30:59.999999", "2026-11-22T09:30", "2026-11-22T09:31"),
        (WindowKind.HOUR, "Asia/Kathmandu", "2026-11-22T09:00", "2026-11-22T08:15", "2026-11-22T09:15"),
        (WindowKind.DAY, "UTC", "2026-11-22T00:00", "2026-11-22T00:00", "2026-11-23T00:00"),
        # Clocks forward: 23 hours; clocks back: 25 hours.
        (WindowKind.DAY, NEW_YORK, "2026-03-08T12:00", "2026-03-08T05:00", "2026-03-09T04:00"),
        (WindowKind.DAY, NEW_YORK, "2026-11-01T12:00", "2026-11-01T04:00", "2026-11-02T05:00"),
        (WindowKind.WEEK, "UTC", "2026-11-22T23:59", "2026-11-16T00:00", "2026-11-23T00:00"),
        (WindowKind.WEEK, NEW_YORK, "2026-11-23T04:59", "2026-11-16T05:00", "2026-11-23T05:00"),
        (WindowKind.MONTH, "UTC", "2024-02-29T12:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        (WindowKind.MONTH, "Europe/Berlin", "2026-03-31T22:30", "2026-03-31T22:00", "2026-04-30T22:00"),
        (WindowKind.YEAR, "Europe/Berlin", "2026-12-31T23:00", "2026-12-31T23:00", "2027-12-31T23:00"),
    ],
)
def test_a_window_is_a_calendar_unit_of_the_budgets_zone(
    kind: WindowKind, zone: str, at: str, start: str, end: str
) -> None:
    assert span(a_budget(kind, timezone=zone), kind, at) == between(start, end)


@pytest.mark.parametrize(
    ("recurrence", "start", "end"),
    [
        (Recurrence.DAILY, "2026-11-22T00:00", "2026-11-23T00:00"),
        (Recurrence.WEEKLY, "2026-11-16T00:00", "2026-11-23T00:00"),
        (Recurrence.MONTHLY, "2026-11-01T00:00", "2026-12-01T00:00"),
        (Recurrence.QUARTERLY, "2026-10-01T00:00", "2027-01-01T00:00"),
        (Recurrence.YEARLY, "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_a_recurring_budget_has_the_window_of_its_recurrence(
    recurrence: Recurrence, start: str, end: str
) -> None:
    assert span(a_budget(recurrence=recurrence), None, "2026-11-22T09:00") == between(start, end)


def test_thirty_one_days_are_not_a_month() -> None:
    budget = a_budget(recurrence=Recurrence.MONTHLY)
    ends = [span(budget, None, f"2026-{month:02d}-15T00:00") for month in range(1, 13)]
    days = [
        (each.end_us - each.start_us) // DAY_US for each in ends if each and each.end_us and each.start_us
    ]
    assert days == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_a_budget_with_neither_period_nor_recurrence_is_for_a_lifetime() -> None:
    assert span(a_budget(), None, "1970-01-01T00:00") == between(None, None, "period")
    assert span(a_budget(), None, "2199-12-31T23:59") == between(None, None, "period")


def test_a_period_holds_its_start_and_not_its_end() -> None:
    budget = a_budget(period_start_us=us("2026-01-10T00:00"), period_end_us=us("2026-02-10T00:00"))
    whole = between("2026-01-10T00:00", "2026-02-10T00:00", "period")
    assert span(budget, None, "2026-01-09T23:59:59.999999") is None
    assert span(budget, None, "2026-01-10T00:00") == whole
    assert span(budget, None, "2026-02-09T23:59:59.999999") == whole
    assert span(budget, None, "2026-02-10T00:00") is None


def test_a_recurring_period_is_cut_where_the_budgets_period_begins_and_ends() -> None:
    budget = a_budget(
        recurrence=Recurrence.MONTHLY,
        period_start_us=us("2026-01-10T00:00"),
        period_end_us=us("2026-03-05T00:00"),
    )
    january, march = str(us("2026-01-01T00:00")), str(us("2026-03-01T00:00"))
    assert span(budget, None, "2026-01-09T00:00") is None
    assert span(budget, None, "2026-01-31T00:00") == between("2026-01-10T00:00", "2026-02-01T00:00", january)
    assert span(budget, None, "2026-02-14T00:00") == between("2026-02-01T00:00", "2026-03-01T00:00")
    assert span(budget, None, "2026-03-04T00:00") == between("2026-03-01T00:00", "2026-03-05T00:00", march)
    assert span(budget, None, "2026-03-05T00:00") is None


def test_limits_other_than_the_period_do_not_mind_the_budgets_period() -> None:
    budget = a_budget(WindowKind.DAY, WindowKind.LIFETIME, period_end_us=us("2026-01-01T00:00"))
    assert span(budget, WindowKind.DAY, "2026-11-22T09:00") == between("2026-11-22T00:00", "2026-11-23T00:00")
    assert span(budget, WindowKind.LIFETIME, "2026-11-22T09:00") == between(None, None, "lifetime")


def test_a_change_of_zone_begins_with_each_limits_own_next_window() -> None:
    kinds = (WindowKind.HOUR, WindowKind.DAY, WindowKind.WEEK)
    budget = decided(
        a_budget(*kinds, recurrence=Recurrence.MONTHLY),
        ("2026-11-18T09:30", Recurrence.MONTHLY, NEW_YORK),
    )
    # A Wednesday: the running hour, day, week and month end by the old zone.
    assert span(budget, WindowKind.HOUR, "2026-11-18T09:59") == between(
        "2026-11-18T09:00", "2026-11-18T10:00"
    )
    assert span(budget, WindowKind.DAY, "2026-11-18T23:59") == between("2026-11-18T00:00", "2026-11-19T00:00")
    assert span(budget, WindowKind.DAY, "2026-11-19T00:00") == between("2026-11-19T00:00", "2026-11-19T05:00")
    assert span(budget, WindowKind.DAY, "2026-11-19T05:00") == between("2026-11-19T05:00", "2026-11-20T05:00")
    assert span(budget, WindowKind.WEEK, "2026-11-22T12:00") == between(
        "2026-11-16T00:00", "2026-11-23T00:00"
    )
    assert span(budget, WindowKind.WEEK, "2026-11-23T00:00") == between(
        "2026-11-23T00:00", "2026-11-23T05:00"
    )
    assert span(budget, None, "2026-11-30T23:59") == between("2026-11-01T00:00", "2026-12-01T00:00")
    assert span(budget, None, "2026-12-01T01:00") == between("2026-12-01T00:00", "2026-12-01T05:00")
    assert span(budget, None, "2026-12-15T00:00") == between("2026-12-01T05:00", "2027-01-01T05:00")


def test_a_zone_means_nothing_to_a_budget_without_recurrence() -> None:
    before = a_budget()
    after = decided(before, ("2026-11-18T09:30", Recurrence.NONE, NEW_YORK))
    for at in ("2026-11-18T09:00", "2026-11-19T00:00", "2027-01-01T00:00"):
        assert span(after, None, at) == span(before, None, at) == between(None, None, "period")


def test_a_change_of_recurrence_leaves_the_other_limits_alone() -> None:
    before = a_budget(WindowKind.WEEK, recurrence=Recurrence.MONTHLY)
    after = decided(before, ("2026-11-18T09:30", Recurrence.DAILY, "UTC"))
    assert span(after, WindowKind.WEEK, "2026-12-01T00:00") == span(
        before, WindowKind.WEEK, "2026-12-01T00:00"
    )
    assert span(after, None, "2026-11-30T00:00") == between("2026-11-01T00:00", "2026-12-01T00:00")
    assert span(after, None, "2026-12-01T00:00") == between("2026-12-01T00:00", "2026-12-02T00:00")


def test_a_lifetime_that_becomes_monthly_ends_with_the_running_month() -> None:
    budget = decided(a_budget(), ("2026-11-18T09:30", Recurrence.MONTHLY, NEW_YORK))
    assert span(budget, None, "2026-11-30T00:00") == between(None, "2026-12-01T05:00", "period")
    assert span(budget, None, "2026-12-01T05:00") == between("2026-12-01T05:00", "2027-01-01T05:00")


def test_a_recurrence_that_ends_leaves_one_window_without_end() -> None:
    budget = decided(
        a_budget(recurrence=Recurrence.MONTHLY, period_end_us=us("2030-01-01T00:00")),
        ("2026-11-18T09:30", Recurrence.NONE, "UTC"),
    )
    december = us("2026-12-01T00:00")
    assert span(budget, None, "2026-11-30T00:00") == between("2026-11-01T00:00", "2026-12-01T00:00")
    assert span(budget, None, "2028-01-01T00:00") == between(
        "2026-12-01T00:00", "2030-01-01T00:00", f"period{december}"
    )


def test_a_change_that_is_withdrawn_within_its_window_never_happened() -> None:
    before = a_budget(WindowKind.DAY, recurrence=Recurrence.WEEKLY)
    after = decided(
        before,
        ("2026-11-18T09:30", Recurrence.MONTHLY, NEW_YORK),
        ("2026-11-18T09:40", Recurrence.YEARLY, "Asia/Kathmandu"),
        ("2026-11-18T09:50", Recurrence.WEEKLY, "UTC"),
    )
    for kind in (WindowKind.DAY, None):
        for at in ("2026-11-18T23:00", "2026-11-19T12:00", "2026-11-24T00:00"):
            assert span(after, kind, at) == span(before, kind, at)


def test_the_last_of_two_changes_within_a_window_holds() -> None:
    changed = decided(
        a_budget(recurrence=Recurrence.WEEKLY),
        ("2026-11-18T09:30", Recurrence.MONTHLY, "UTC"),
        ("2026-11-18T09:40", Recurrence.DAILY, "UTC"),
    )
    assert span(changed, None, "2026-11-22T23:00") == between("2026-11-16T00:00", "2026-11-23T00:00")
    assert span(changed, None, "2026-11-23T12:00") == between("2026-11-23T00:00", "2026-11-24T00:00")


def test_a_limit_added_later_has_no_window_that_had_ended_by_then() -> None:
    budget = a_budget(WindowKind.DAY)
    added = replace(of_kind(budget, WindowKind.DAY), since_us=us("2026-11-22T09:00"))
    assert window_span(budget, added, us("2026-11-21T23:59")) is None
    assert window_span(budget, added, us("2026-11-22T00:00")) == between(
        "2026-11-22T00:00", "2026-11-23T00:00"
    )


def test_a_limit_on_one_request_or_on_a_level_has_no_window_in_time() -> None:
    specs = (limit(Meter.COST, 5, WindowKind.REQUEST), limit(Meter.LEVEL, 5, resource="agents"))
    budget = replace(a_budget(), limits=limits_of("t/b", 100, thresholds(800_000), specs))
    assert [window_span(budget, each, us("2026-11-22T00:00")) for each in budget.limits[1:]] == [None, None]
    shown = current_windows(budget, us("2026-11-22T00:00"))
    assert [(each.meter, each.window) for each, _ in shown] == [
        (Meter.COST, WindowKind.PERIOD),
        (Meter.LEVEL, None),
    ]
    assert shown[1][1].uid == "t/b#LEVEL//agents@level"


instants = st.integers(us("2020-01-01T00:00"), us("2032-01-01T00:00"))
recurrences = st.sampled_from(Recurrence)
zones = st.sampled_from(ZONES)


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    """A budget of any kind of limit, with a period perhaps, after a history of changes."""
    edges = sorted(draw(st.sets(instants, min_size=2, max_size=2)))
    recurrence = draw(recurrences)
    budget = a_budget(
        *TIMED,
        recurrence=recurrence,
        timezone=draw(zones),
        period_start_us=draw(st.sampled_from([None, edges[0]])),
        period_end_us=draw(st.sampled_from([None, edges[1]])),
    )
    times = sorted(draw(st.lists(instants, max_size=4)))
    changes = tuple(Schedule(at, draw(recurrences), draw(zones)) for at in times)
    return replace(budget, schedules=(*budget.schedules, *changes))


@given(budgets(), instants, st.integers(0, 10))
def test_windows_lie_edge_to_edge_and_their_keys_tell_them_apart(
    budget: Budget, at_us: int, which: int
) -> None:
    each = budget.limits[which % len(budget.limits)]
    found = window_span(budget, each, at_us)
    if found is None:
        start_us, end_us = budget.period_start_us, budget.period_end_us
        assert (start_us is not None and at_us < start_us) or (end_us is not None and at_us >= end_us)
        return
    assert found.holds(at_us)
    assert keyed_span(budget, each, found.key) == found
    if found.start_us is not None:
        assert window_span(budget, each, found.start_us) == found
        before = window_span(budget, each, found.start_us - 1)
        assert before is None or (before.end_us == found.start_us and before.key != found.key)
    if found.end_us is not None:
        assert window_span(budget, each, found.end_us - 1) == found
        after = window_span(budget, each, found.end_us)
        assert after is None or (after.start_us == found.end_us and after.key != found.key)


@given(budgets(), instants, recurrences, zones, st.integers(0, 10))
def test_a_change_never_alters_a_window_that_has_begun(
    budget: Budget, later_us: int, recurrence: Recurrence, zone: str, which: int
) -> None:
    decided_us = max(later_us, budget.schedules[-1].decided_us)
    after = replace(budget, schedules=(*budget.schedules, Schedule(decided_us, recurrence, zone)))
    each = budget.limits[which % len(budget.limits)]
    for at_us in (decided_us, decided_us - 40 * DAY_US, decided_us - HOUR_US):
        old, new = window_span(budget, each, at_us), window_span(after, each, at_us)
        if old is None or (old.end_us is not None and old.end_us <= decided_us):
            assert old == new
        else:  # the running one goes on; where it has no end of its own, it may be given one to come
            assert new is not None
            assert (new.key, new.start_us) == (old.key, old.start_us)
            assert new.end_us is None or new.end_us > decided_us


def test_eighty_percent_is_reached_at_exactly_eighty_percent() -> None:
    # 0.8 as a float is a little more than four fifths: 0.8 * 5 > 4 would never be reached by 4.
    for whole in (5, 10, 5 * 10**9, 10**18):
        assert reached(whole // 5 * 4, whole, 800_000)
        assert not reached(whole // 5 * 4 - 1, whole, 800_000)
    assert (reached(0, 0, 800_000), reached(1, 0, PPM)) == (False, True)


@given(st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_utilisation_in_parts_per_million_agrees_with_what_is_reached(counted: int, amount: int) -> None:
    assert reached(counted, amount, utilization_ppm(counted, amount))
    assert not reached(counted, amount, utilization_ppm(counted, amount) + 1)


def standing(budget: Budget, at: str, spent: int = 0) -> tuple[BudgetState, int | None, int | None]:
    """State and window bounds at an instant, when that much is spent in the window shown then."""
    ((first, window), *_) = current_windows(budget, us(at))
    full = Window(window.uid, first.uid, window.start_us, window.end_us, spent)
    found = standing_of(budget, {full.uid: full}, us(at))
    assert found.spent == spent
    return found.state, found.window_start_us, found.window_end_us


def test_a_budget_stands_in_its_own_current_window() -> None:
    month = (us("2026-11-01T00:00"), us("2026-12-01T00:00"))
    budget = a_budget(recurrence=Recurrence.MONTHLY)
    assert standing(budget, "2026-11-22T09:00", 79) == (BudgetState.OK, *month)
    assert standing(budget, "2026-11-22T09:00", 80) == (BudgetState.WARNING, *month)
    assert standing(budget, "2026-11-22T09:00", 100) == (BudgetState.EXCEEDED, *month)
    assert standing(replace(budget, closed_at_us=5), "2026-11-22T09:00", 100) == (BudgetState.CLOSED, *month)
    tracking = replace(budget, amount_nano=None)
    assert standing(tracking, "2026-11-22T09:00", 10**6) == (BudgetState.OK, *month)


def test_before_and_after_its_period_a_budget_shows_its_first_and_its_last_window() -> None:
    budget = a_budget(
        recurrence=Recurrence.MONTHLY,
        period_start_us=us("2026-01-10T00:00"),
        period_end_us=us("2026-03-05T00:00"),
    )
    first = (us("2026-01-10T00:00"), us("2026-02-01T00:00"))
    last = (us("2026-03-01T00:00"), us("2026-03-05T00:00"))
    assert standing(budget, "2025-11-22T09:00") == (BudgetState.NOT_STARTED, *first)
    assert standing(budget, "2026-11-22T09:00", 100) == (BudgetState.ENDED, *last)


def test_a_calendar_limit_is_shown_as_it_is_now_whether_or_not_the_period_has_ended() -> None:
    budget = a_budget(WindowKind.DAY, period_end_us=us("2026-01-10T00:00"))
    shown = {limit.window: window for limit, window in current_windows(budget, us("2026-11-22T09:00"))}
    assert shown[WindowKind.PERIOD].end_us == us("2026-01-10T00:00")
    assert shown[WindowKind.DAY].start_us == us("2026-11-22T00:00")


def test_a_budget_of_nothing_is_used_up_by_anything() -> None:
    nothing = replace(a_budget(), amount_nano=0, limits=limits_of("t/b", 0, thresholds(800_000), ()))
    assert standing(nothing, "2026-11-22T09:00", 0)[0] is BudgetState.OK
    assert standing(nothing, "2026-11-22T09:00", 1)[0] is BudgetState.EXCEEDED
    ((first, window), *_) = current_windows(nothing, us("2026-11-22T09:00"))
    unspent = standing_of(nothing, {}, us("2026-11-22T09:00"))
    spent = standing_of(nothing, {window.uid: replace(window, spent=1)}, us("2026-11-22T09:00"))
    assert (unspent.utilization, unspent.available, utilization_ppm(0, first.amount or 0)) == (0.0, 0, 0)
    assert (spent.utilization, spent.available, utilization_ppm(1, first.amount or 0)) == (1.0, -1, PPM)


def test_what_is_available_to_a_budget_is_the_least_of_its_chain() -> None:
    here = standing_of(a_budget(), {}, us("2026-11-22T09:00"))
    above = standing_of(replace(a_budget(), amount_nano=7), {}, us("2026-11-22T09:00"))
    free = standing_of(replace(a_budget(), amount_nano=None), {}, us("2026-11-22T09:00"))
    assert (here.available, above.available, free.available) == (100, 7, None)
    assert effective_available([here, above, free]) == 7
    assert effective_available([free]) is None


def test_a_window_is_keyed_by_limit_start_and_member() -> None:
    each = of_kind(a_budget(WindowKind.DAY), WindowKind.DAY)
    day = between("2026-11-22T00:00", "2026-11-23T00:00")
    assert window_uid(each, day) == f"t/b#REQUESTS/DAY@{us('2026-11-22T00:00')}"
    assert window_uid(each, day, "ann") == f"t/b#REQUESTS/DAY@{us('2026-11-22T00:00')}/ann"
