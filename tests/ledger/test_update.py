"""Updates of budgets, and what they do to windows that run and that have ended."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import (
    InvalidInput,
    LedgerError,
    OutOfRange,
)
from ledger.model import Budget, Enforcement, Limit, Meter, Recurrence, WindowKind
from pricing.money import NANO_MAX
from tests.ledger.books import BookDesk, refused
from tests.support.desk import NOW_US, limit, us

DAY_US = 24 * 60 * 60 * 10**6
NEW_YORK = "America/New_York"


@pytest.fixture
def acme(desk: BookDesk) -> BookDesk:
    """Platform > project > task, and a stranger's root."""
    desk.create("acme")
    desk.create("web", "acme")
    desk.create("search", "web")
    desk.create("stranger")
    return desk


def test_an_update_changes_what_it_names_and_nothing_else(desk: BookDesk) -> None:
    specs = (limit(Meter.TOKENS, 5, WindowKind.DAY),)
    before = desk.create("b", amount_nano=5, name="old", priority=1, limits=specs)
    after = desk.update("b", name="new", priority=None)
    assert after == replace(before, name="new", priority=None)
    assert desk.update("b", name="new") == after
    refused(desk, desk.change("b", currency="EUR"), InvalidInput, "currency")
    refused(desk, desk.change("b", parent_budget_id="c"), InvalidInput, "parent_budget_id")


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"amount_nano": -1}, InvalidInput, "amount"),
        ({"amount_nano": NANO_MAX + 1}, OutOfRange, "amount"),
        ({"timezone": "Mars/Olympus"}, InvalidInput, "timezone"),
        ({"warning_threshold_ppm": 0}, InvalidInput, "warning_threshold"),
        ({"period_end_us": NOW_US - 2}, InvalidInput, "period_end"),
        ({"name": ""}, InvalidInput, "name"),
    ],
)
def test_an_update_refuses_what_creation_refuses(
    desk: BookDesk, changes: dict[str, Any], error: type[LedgerError], field: str
) -> None:
    desk.create("b", period_start_us=NOW_US)
    refused(desk, desk.change("b", **changes), error, field)


def test_another_amount_and_threshold_hold_for_what_is_spent_already(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100)
    desk.record("a", 50, budget_id="b")
    desk.update("b", amount_nano=60, warning_threshold_ppm=900_000)
    assert desk.record("b", 1, budget_id="b").warnings == ()
    (warning,) = desk.record("c", 3, budget_id="b").warnings
    assert (warning.threshold_ppm, warning.limit, warning.spent) == (900_000, 60, 54)
    desk.update("b", amount_nano=None)
    assert desk.record("d", 1000, budget_id="b").warnings == ()
    assert desk.spent("b") == 1054


def test_an_event_that_was_told_is_not_told_again_in_its_window_after_the_amount_rises(
    desk: BookDesk,
) -> None:
    desk.create("b", amount_nano=10)
    desk.record("a", 8, budget_id="b")
    desk.update("b", amount_nano=100)
    desk.record("b", 75, budget_id="b")
    assert desk.events == [("budget.warning", "b")]


def test_a_new_threshold_holds_for_every_limit(desk: BookDesk) -> None:
    desk.create("b", limits=(limit(Meter.TOKENS, 5),))
    for ppm, expected in ((500_000, (500_000, 1_000_000)), (1_000_000, (1_000_000,))):
        assert {each.thresholds_ppm for each in desk.update("b", warning_threshold_ppm=ppm).limits} == {
            expected
        }


def of_window(budget: Budget, window: WindowKind) -> Limit:
    """The only limit over such a window."""
    (found,) = [each for each in budget.limits if each.window is window]
    return found


def test_a_limit_added_in_mid_window_starts_with_the_true_spend_of_that_window(desk: BookDesk) -> None:
    desk.create("b")
    desk.record("yesterday", 1, budget_id="b", prompt_tokens=10, timestamp="2026-11-21T12:00:00Z")
    desk.record("today", 2, budget_id="b", prompt_tokens=20)
    desk.record("unpriced", 0, budget_id="b", prompt_tokens=40)
    specs = (
        limit(Meter.COST, 100, WindowKind.DAY),
        limit(Meter.TOKENS, 100, WindowKind.MONTH),
        limit(Meter.REQUESTS, 100, WindowKind.LIFETIME),
        limit(Meter.TOKENS, 100, WindowKind.MINUTE),
    )
    desk.update("b", limits=specs)
    assert desk.window("b", "COST/DAY").spent == 2
    assert desk.window("b", "TOKENS/MONTH").spent == 70
    assert desk.window("b", "REQUESTS/LIFETIME").spent == 3
    assert desk.window("b", "TOKENS/MINUTE").spent == 60
    desk.record("more", 4, budget_id="b", prompt_tokens=80)
    assert desk.window("b", "COST/DAY").spent == 6
    assert desk.window("b", "TOKENS/MONTH").spent == 150


def test_a_limit_added_later_does_not_count_windows_that_had_ended(desk: BookDesk) -> None:
    desk.create("b")
    desk.record("yesterday", 1, budget_id="b", timestamp="2026-11-21T12:00:00Z")
    desk.update("b", limits=(limit(Meter.COST, 100, WindowKind.DAY),))
    desk.record("late", 2, budget_id="b", timestamp="2026-11-21T13:00:00Z")
    assert [window.spent for window in desk.windows("b", "COST/DAY")] == [0], "only today's"
    assert desk.spent("b") == 3


def test_a_limit_that_was_removed_counts_what_came_meanwhile_when_it_is_back(desk: BookDesk) -> None:
    specs = (limit(Meter.COST, 100, WindowKind.DAY),)
    desk.create("b", limits=specs)
    desk.record("a", 1, budget_id="b")
    desk.update("b", limits=())
    desk.record("meanwhile", 2, budget_id="b")
    desk.update("b", limits=specs)
    desk.record("c", 4, budget_id="b")
    assert desk.window("b", "COST/DAY").spent == 7


def test_a_limit_whose_amount_changes_keeps_its_windows(desk: BookDesk) -> None:
    created = desk.create("b", limits=(limit(Meter.COST, 100, WindowKind.DAY),))
    desk.record("a", 50, budget_id="b")
    changed = desk.update("b", limits=(limit(Meter.COST, 60, WindowKind.DAY, enforcement=Enforcement.SOFT),))
    after = of_window(changed, WindowKind.DAY)
    assert (after.since_us, after.amount) == (of_window(created, WindowKind.DAY).since_us, 60)
    assert desk.window("b", "COST/DAY").spent == 50


def test_another_period_recounts_what_was_charged_in_it(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100, period_start_us=us("2026-11-10T00:00"))
    desk.record("outside", 1, budget_id="b", timestamp="2026-11-05T00:00:00Z")
    desk.record("early", 2, budget_id="b", timestamp="2026-11-12T00:00:00Z")
    desk.record("now", 4, budget_id="b")
    assert desk.window("b").spent == 6
    for start, spent in (("2026-11-01T00:00", 7), ("2026-11-20T00:00", 4), ("2026-11-11T00:00", 6)):
        desk.update("b", period_start_us=us(start))
        assert (desk.window("b").spent, desk.window("b").start_us) == (spent, us(start))
    desk.update("b", period_start_us=None)
    assert (desk.window("b").spent, desk.window("b").start_us) == (7, None)


def test_a_period_that_ends_before_now_is_recounted_too(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100)
    desk.record("early", 2, budget_id="b", timestamp="2026-11-12T00:00:00Z")
    desk.record("now", 4, budget_id="b")
    desk.update("b", period_end_us=us("2026-11-20T00:00"))
    assert (desk.window("b").spent, desk.window("b").end_us) == (2, us("2026-11-20T00:00"))
    desk.record("late", 8, budget_id="b", timestamp="2026-11-13T00:00:00Z")
    desk.record("outside", 16, budget_id="b")
    assert desk.window("b").spent == 10
    desk.update("b", period_end_us=None)
    assert desk.window("b").spent == 30


def test_windows_that_a_longer_period_brings_hold_what_was_charged_before(desk: BookDesk) -> None:
    desk.create("b", recurrence=Recurrence.MONTHLY, period_start_us=us("2026-11-10T00:00"))
    desk.record("september", 1, budget_id="b", timestamp="2026-09-05T00:00:00Z")
    desk.record("november", 2, budget_id="b", timestamp="2026-11-05T00:00:00Z")
    desk.record("now", 4, budget_id="b")
    desk.update("b", period_start_us=us("2026-09-01T00:00"))
    desk.record("late", 8, budget_id="b", timestamp="2026-09-06T00:00:00Z")
    assert [window.spent for window in desk.windows("b")] == [9, 6]
    desk.update("b", period_start_us=us("2026-11-10T00:00"))
    assert [window.spent for window in desk.windows("b")] == [4], "September is outside again"
    desk.record("outside", 16, budget_id="b", timestamp="2026-09-07T00:00:00Z")
    desk.update("b", period_start_us=us("2026-09-01T00:00"))
    assert [window.spent for window in desk.windows("b")] == [25, 6]


def test_a_change_of_zone_begins_with_the_next_window(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100, recurrence=Recurrence.DAILY)
    desk.record("a", 1, budget_id="b")
    changed = desk.update("b", timezone=NEW_YORK)
    assert (changed.timezone, changed.rollup_timezone) == (NEW_YORK, "UTC")
    desk.record("b", 2, budget_id="b")
    assert desk.window("b").spent == 3, "the running day goes on"
    desk.now_us = us("2026-11-23T04:59")
    desk.record("c", 4, budget_id="b")
    desk.now_us = us("2026-11-23T05:00")
    desk.record("d", 8, budget_id="b")
    bounds = [(window.start_us, window.end_us, window.spent) for window in desk.windows("b")]
    assert bounds == [
        (us("2026-11-22T00:00"), us("2026-11-23T00:00"), 3),
        (us("2026-11-23T00:00"), us("2026-11-23T05:00"), 4),
        (us("2026-11-23T05:00"), us("2026-11-24T05:00"), 8),
    ]


def test_a_change_of_recurrence_begins_with_the_next_window(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100, recurrence=Recurrence.WEEKLY)
    desk.record("a", 1, budget_id="b")
    desk.update("b", recurrence=Recurrence.MONTHLY)
    desk.record("b", 2, budget_id="b")
    desk.now_us = us("2026-11-23T00:00")
    desk.record("c", 4, budget_id="b")
    desk.now_us = us("2026-12-01T00:00")
    desk.record("d", 8, budget_id="b")
    bounds = [(window.start_us, window.end_us, window.spent) for window in desk.windows("b")]
    assert bounds == [
        (us("2026-11-16T00:00"), us("2026-11-23T00:00"), 3),
        (us("2026-11-23T00:00"), us("2026-12-01T00:00"), 4),
        (us("2026-12-01T00:00"), us("2027-01-01T00:00"), 8),
    ]


def test_a_limit_added_after_the_period_and_before_another_change_keeps_its_true_spend(
    desk: BookDesk,
) -> None:
    desk.create("b", period_end_us=NOW_US - DAY_US)
    desk.record("a", 1, budget_id="b")
    desk.update("b", limits=(limit(Meter.REQUESTS, 5, WindowKind.HOUR),))
    desk.now_us += DAY_US
    desk.update("b", period_end_us=NOW_US - 2 * DAY_US)
    desk.record("late", 1, budget_id="b", timestamp="2026-11-22T09:30:00Z")
    assert [window.spent for window in desk.windows("b", "REQUESTS/HOUR") if window.spent] == [2]


def test_another_zone_does_not_give_a_lifetime_budget_another_lifetime(desk: BookDesk) -> None:
    desk.create("b", amount_nano=100)
    desk.record("a", 60, budget_id="b")
    desk.update("b", timezone=NEW_YORK)
    desk.now_us += 3 * DAY_US
    desk.record("b", 30, budget_id="b")
    assert desk.window("b").spent == 90


def test_what_was_recorded_ahead_of_a_change_is_counted_where_it_belongs_then(desk: BookDesk) -> None:
    desk.now_us = us("2026-11-22T23:58")
    desk.create("b", amount_nano=100, recurrence=Recurrence.DAILY)
    desk.record("ahead", 1, budget_id="b", timestamp="2026-11-23T00:01:00Z")
    desk.update("b", recurrence=Recurrence.MONTHLY)
    desk.now_us = us("2026-11-23T12:00")
    desk.record("b", 2, budget_id="b")
    month_end = (us("2026-11-23T00:00"), us("2026-12-01T00:00"), 3)
    (window,) = [each for each in desk.windows("b") if each.spent]
    assert (window.start_us, window.end_us, window.spent) == month_end


def test_a_change_counts_what_its_own_batch_recorded_before_it(desk: BookDesk) -> None:
    desk.create("b")
    desk.do(
        desk.usage("a", 1, budget_id="b"),
        desk.change("b", limits=(limit(Meter.COST, 100, WindowKind.DAY),)),
        desk.usage("b", 2, budget_id="b"),
        desk.change("b", period_start_us=us("2026-11-22T00:00")),
        desk.usage("c", 4, budget_id="b"),
        desk.usage("outside", 8, budget_id="b", timestamp="2026-11-21T00:00:00Z"),
    )
    assert (desk.window("b").spent, desk.window("b", "COST/DAY").spent) == (7, 7)


def test_every_change_moves_the_version_so_that_other_processes_notice(desk: BookDesk) -> None:
    other = BookDesk(desk.store)
    desk.create("b")
    other.record("a", 1, budget_id="b")
    desk.create("parent")
    desk.move("b", "parent")
    other.record("b", 2, budget_id="b")
    assert (desk.spent("b"), desk.spent("parent")) == (3, 2)
