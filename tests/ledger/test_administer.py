"""Budgets: created, changed, moved, closed; what is refused; and what a change does to windows."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.administer import DEPTH_MAX
from ledger.commands import Command, LimitSpec
from ledger.errors import (
    BudgetClosed,
    Conflict,
    CurrencyMismatch,
    CycleRefused,
    Forbidden,
    InvalidInput,
    LedgerError,
    NotFound,
    OutOfRange,
)
from ledger.limits import LIMITS_MAX
from ledger.model import Budget, BudgetType, Enforcement, Limit, Meter, Recurrence, WindowKind
from pricing.money import NANO_MAX
from tests.ledger.books import BookDesk
from tests.support.desk import NANO, NOW_US, limit, us

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


def refused(desk: BookDesk, command: Command, error: type[LedgerError], field: str) -> None:
    """The command is refused by that error for that field, and leaves everything as it was."""
    desk.do()
    before = desk.books
    answer = desk.refused(command)
    assert (type(answer), answer.field) == (error, field)
    assert desk.books is before or desk.books == before


# ----------------------------------------------------------------------------------------- creation


def test_a_budget_is_what_was_asked_for(desk: BookDesk) -> None:
    desk.create("root", currency="USDC")
    asked: dict[str, Any] = {
        "name": "Search",
        "amount_nano": 5 * NANO,
        "currency": "USDC",
        "resource_id": "search",
        "period_start_us": NOW_US,
        "period_end_us": NOW_US + 30 * DAY_US,
        "recurrence": Recurrence.WEEKLY,
        "timezone": NEW_YORK,
        "warning_threshold_ppm": 500_000,
        "priority": 3,
    }
    budget = desk.create("search", "root", budget_type=BudgetType.TASK, **asked)
    assert {name: getattr(budget, name) for name in asked} == asked
    assert (budget.uid, budget.tenant, budget.parent_budget_id) == ("t/search", "t", "root")
    assert (budget.budget_type, budget.rollup_timezone, budget.created_at_us) == ("task", NEW_YORK, NOW_US)
    (own,) = budget.limits
    assert (own.key, own.meter, own.window, own.amount) == ("amount", Meter.COST, WindowKind.PERIOD, 5 * NANO)
    assert (own.enforcement, own.thresholds_ppm) == (Enforcement.HARD, (500_000, 1_000_000))
    assert desk.books.budgets["t/search"][1] == budget


def test_without_an_amount_a_budget_only_tracks(desk: BookDesk) -> None:
    assert desk.create("b").limits[0].amount is None


def test_a_child_may_be_larger_than_its_parent(desk: BookDesk) -> None:
    desk.create("root", amount_nano=5)
    assert desk.create("child", "root", amount_nano=50).amount_nano == 50


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"amount_nano": -1}, InvalidInput, "amount"),
        ({"amount_nano": NANO_MAX + 1}, OutOfRange, "amount"),
        ({"currency": "usd"}, InvalidInput, "currency"),
        ({"period_start_us": NOW_US, "period_end_us": NOW_US}, InvalidInput, "period_end"),
        ({"period_start_us": NOW_US, "period_end_us": NOW_US - 1}, InvalidInput, "period_end"),
        ({"period_end_us": 0}, InvalidInput, "period_end"),
        ({"timezone": "Mars/Olympus"}, InvalidInput, "timezone"),
        ({"timezone": "america/new_york"}, InvalidInput, "timezone"),
        ({"warning_threshold_ppm": 0}, InvalidInput, "warning_threshold"),
        ({"warning_threshold_ppm": 1_000_001}, InvalidInput, "warning_threshold"),
        ({"name": ""}, InvalidInput, "name"),
        ({"name": "x" * 257}, InvalidInput, "name"),
        ({"resource_id": "a\nb"}, InvalidInput, "resource_id"),
        ({"budget_id": ""}, InvalidInput, "budget_id"),
        ({"budget_id": "x" * 257}, InvalidInput, "budget_id"),
        ({"budget_id": "a\x00"}, InvalidInput, "budget_id"),
        ({"budget_id": "\ud800"}, InvalidInput, "budget_id"),
        ({"parent": "nobody"}, NotFound, "parent_budget_id"),
        ({"parent": "acme", "currency": "EUR"}, CurrencyMismatch, "currency"),
    ],
)
def test_each_kind_of_bad_input_has_its_error_and_names_its_field(
    acme: BookDesk, fields: dict[str, Any], error: type[LedgerError], field: str
) -> None:
    refused(acme, acme.creation(**{"budget_id": "new", **fields}), error, field)


@pytest.mark.parametrize(
    ("specs", "error"),
    [
        ((limit(Meter.COST, -1),), InvalidInput),
        ((limit(Meter.COST, NANO_MAX + 1),), OutOfRange),
        ((limit(Meter.REQUESTS, 5, WindowKind.REQUEST),), InvalidInput),
        ((limit(Meter.LEVEL, 5),), InvalidInput),
        ((limit(Meter.LEVEL, 5, WindowKind.DAY, resource="agents"),), InvalidInput),
        ((limit(Meter.SIZE, 5, WindowKind.DAY),), InvalidInput),
        ((limit(Meter.AGE, 5, WindowKind.LIFETIME),), InvalidInput),
        ((limit(Meter.COST, 5, resource="a/b"),), InvalidInput),
        ((limit(Meter.COST, 5, resource="a#amount"),), InvalidInput),
        ((limit(Meter.COST, 5, resource=""),), InvalidInput),
        ((limit(Meter.COST, 5), limit(Meter.COST, 6, WindowKind.PERIOD)), InvalidInput),
        (tuple(limit(Meter.COST, 5, resource=f"r{n}") for n in range(LIMITS_MAX + 1)), InvalidInput),
    ],
)
def test_a_limit_is_a_meter_with_a_window_that_goes_with_it(
    acme: BookDesk, specs: tuple[LimitSpec, ...], error: type[LedgerError]
) -> None:
    refused(acme, acme.creation("new", limits=specs), error, "limits")
    refused(acme, acme.change("web", limits=specs), error, "limits")


@pytest.mark.parametrize("meter", list(Meter))
@pytest.mark.parametrize("window", [None, *WindowKind])
def test_meters_and_windows_go_together_as_the_design_says(
    desk: BookDesk, meter: Meter, window: WindowKind | None
) -> None:
    timed = {*WindowKind} - {WindowKind.REQUEST}
    allowed: dict[Meter, set[WindowKind | None]] = {
        Meter.COST: {None, *WindowKind},
        Meter.TOKENS: {None, *WindowKind},
        Meter.REQUESTS: {None, *timed},
        Meter.LEVEL: {None},
        Meter.SIZE: {None, WindowKind.REQUEST},
        Meter.AGE: {None},
    }
    (answer,) = desk.do(desk.creation("b", limits=(limit(meter, 5, window, resource="agents"),)))
    assert isinstance(answer, Budget) == (window in allowed[meter])


def test_creating_the_same_again_returns_what_is_there(desk: BookDesk) -> None:
    specs = (limit(Meter.TOKENS, 5, WindowKind.DAY), limit(Meter.COST, 5, WindowKind.DAY))
    first = desk.create("b", amount_nano=5, limits=specs)
    desk.now_us += DAY_US
    assert desk.create("b", amount_nano=5, limits=tuple(reversed(specs))) == first
    fresh = BookDesk(desk.store, now_us=desk.now_us)
    assert fresh.create("b", amount_nano=5, limits=specs) == first, "also in another process"
    assert not desk.commit(desk.creation("b", amount_nano=5, limits=specs)).written


def test_a_budget_that_was_changed_to_that_content_is_the_same(desk: BookDesk) -> None:
    desk.create("b", recurrence=Recurrence.DAILY)
    changed = desk.update("b", recurrence=Recurrence.MONTHLY, limits=(limit(Meter.TOKENS, 5),))
    assert desk.create("b", recurrence=Recurrence.MONTHLY, limits=(limit(Meter.TOKENS, 5),)) == changed


@pytest.mark.parametrize(
    "other",
    [
        {"amount_nano": 6},
        {"amount_nano": None},
        {"parent": "web"},
        {"parent": None},
        {"name": "other"},
        {"budget_type": BudgetType.TEAM},
        {"resource_id": "r"},
        {"period_end_us": NOW_US},
        {"recurrence": Recurrence.DAILY},
        {"timezone": NEW_YORK},
        {"warning_threshold_ppm": 900_000},
        {"priority": 1},
        {"limits": (limit(Meter.TOKENS, 5),)},
    ],
)
def test_creating_it_with_other_content_conflicts(acme: BookDesk, other: dict[str, Any]) -> None:
    content = {"parent": "acme", "amount_nano": 5}
    acme.create("b", **content)
    refused(acme, acme.creation("b", **{**content, **other}), Conflict, "budget_id")


def test_a_closed_budget_is_not_created_again(acme: BookDesk) -> None:
    acme.close("stranger")
    refused(acme, acme.creation("stranger"), Conflict, "budget_id")


def test_a_tree_has_at_most_so_many_levels_however_it_is_built(desk: BookDesk) -> None:
    commands = [desk.creation("0")]
    commands += [desk.creation(f"{level}", f"{level - 1}") for level in range(1, DEPTH_MAX)]
    desk.do(*commands)
    refused(desk, desk.creation("deeper", f"{DEPTH_MAX - 1}"), InvalidInput, "parent_budget_id")
    desk.create("root")
    desk.create("child", "root")
    with pytest.raises(InvalidInput):
        desk.move("root", f"{DEPTH_MAX - 2}")
    assert desk.move("child", f"{DEPTH_MAX - 2}").parent_budget_id == f"{DEPTH_MAX - 2}"


# ------------------------------------------------------------------------------------ confined keys


def test_a_confined_key_creates_changes_moves_and_closes_in_its_subtree_only(acme: BookDesk) -> None:
    web = acme.confined("web")
    web.create("new", "search")
    web.update("new", amount_nano=5)
    web.move("new", "web")
    web.close("new")
    refused(web, web.creation("root"), InvalidInput, "parent_budget_id")
    refused(web, web.creation("other", "acme"), NotFound, "parent_budget_id")
    refused(web, web.change("acme", amount_nano=5), NotFound, "budget_id")
    refused(web, web.change("nobody", amount_nano=5), NotFound, "budget_id")
    for identifier, parent, error, field in (
        ("web", "search", Forbidden, "budget_id"),
        ("search", None, Forbidden, "new_parent_budget_id"),
        ("search", "acme", NotFound, "new_parent_budget_id"),
        ("stranger", "web", NotFound, "budget_id"),
    ):
        with pytest.raises(error) as caught:
            web.move(identifier, parent)
        assert caught.value.field == field
    with pytest.raises(NotFound):
        web.close("stranger")


def test_what_is_outside_is_refused_in_the_words_of_what_does_not_exist(acme: BookDesk) -> None:
    web = acme.confined("web")
    hidden = web.refused(web.change("acme", amount_nano=5))
    absent = web.refused(web.change("nobody", amount_nano=5))
    assert hidden.message.replace("acme", "X") == absent.message.replace("nobody", "X")


# ------------------------------------------------------------------------------------------- moves


def test_a_move_moves_the_future_and_not_the_past(acme: BookDesk) -> None:
    acme.record("before", 1, budget_id="search")
    acme.move("web", "stranger")
    acme.record("after", 2, budget_id="search")
    assert [acme.spent(each) for each in ("search", "web", "acme", "stranger")] == [3, 3, 1, 2]
    acme.move("web", None)
    acme.record("root", 4, budget_id="search")
    assert [acme.spent(each) for each in ("search", "web", "acme", "stranger")] == [7, 7, 1, 2]


@pytest.mark.parametrize("parent", ["acme", "web", "search"])
def test_a_budget_cannot_move_below_itself(acme: BookDesk, parent: str) -> None:
    with pytest.raises(CycleRefused) as caught:
        acme.move("acme", parent)
    assert caught.value.field == "new_parent_budget_id"
    assert acme.record("a", 1, budget_id="search").warnings == ()
    assert acme.spent("acme") == 1


def test_a_move_keeps_to_one_currency_and_to_open_parents(acme: BookDesk) -> None:
    acme.create("euros", currency="EUR")
    with pytest.raises(CurrencyMismatch):
        acme.move("web", "euros")
    acme.close("stranger")
    with pytest.raises(BudgetClosed):
        acme.move("web", "stranger")
    with pytest.raises(NotFound):
        acme.move("web", "nobody")
    with pytest.raises(BudgetClosed):
        acme.move("stranger", "acme")
    with pytest.raises(InvalidInput):
        acme.move("unattributed", "acme")


def test_a_move_to_where_it_is_changes_nothing(acme: BookDesk) -> None:
    version = acme.books.heads["t"].version
    acme.move("web", "acme")
    assert acme.books.heads["t"].version == version


# ------------------------------------------------------------------------------------------- close


def test_a_closed_budget_takes_no_change_and_no_children_and_closing_again_changes_nothing(
    acme: BookDesk,
) -> None:
    closed = acme.close("web")
    assert closed.closed_at_us == NOW_US
    acme.now_us += DAY_US
    assert acme.close("web") == closed
    refused(acme, acme.change("web", amount_nano=5), BudgetClosed, "budget_id")
    refused(acme, acme.creation("new", "web"), BudgetClosed, "parent_budget_id")
    with pytest.raises(InvalidInput):
        acme.close("unattributed")
    with pytest.raises(NotFound):
        acme.close("nobody")


# ------------------------------------------------------------------------------------------ updates


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
