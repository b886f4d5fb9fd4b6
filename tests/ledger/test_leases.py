"""Leases: extend, release, adjust, and limits that change for a while."""

import pytest

from ledger.commands import CloseBudget, IncreaseLimit
from ledger.errors import Conflict, InvalidInput, NotFound
from ledger.holds import HoldState
from ledger.model import EntryKind, Meter, Recurrence, WindowKind
from ledger.results import BudgetExceeded, Reservation, Throttled
from tests.support.world import CENT, DAY_US, NOON_US, SECOND_US, USD, T, World, cost, limit, usage


@pytest.fixture
def world() -> World:
    world = World()
    world.budget("root", USD)
    world.budget("leaf", None, "root")
    return world


def test_a_heartbeat_keeps_a_hold_alive(world: World) -> None:
    held = world.held("leaf", 10 * CENT, ttl_seconds=60)
    for _ in range(10):
        world.later(50)
        assert world.extend(held, 60).state is HoldState.HELD
    world.later(60)
    world.sweep()
    assert world.figures("root") == (0, 0, 0)


def test_an_extension_may_add_what_fits_and_is_refused_otherwise(world: World) -> None:
    held = world.held("leaf", 60 * CENT, ttl_seconds=60)
    more = world.extend(held, add=40 * CENT)
    assert isinstance(more, Reservation)
    assert more.amount_nano == USD
    refused = world.extend(held, 600, add=CENT)
    assert isinstance(refused, BudgetExceeded)
    assert world.figures("root") == (0, USD, 0)
    (hold,) = world.store.holds.values()
    assert hold.expires_at_us == NOON_US + 300 * SECOND_US


def test_an_extension_repeated_adds_once(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    first = world.extend(held, add=5 * CENT, key="x")
    world.forget()
    again = world.extend(held, add=5 * CENT, key="x")
    assert again.duplicate
    assert again.amount_nano == first.amount_nano == 15 * CENT
    assert world.figures("root") == (0, 15 * CENT, 0)
    with pytest.raises(Conflict):
        world.extend(held, add=6 * CENT, key="x")


def test_what_has_ended_is_not_extended(world: World) -> None:
    held = world.held("leaf", 10 * CENT, ttl_seconds=10)
    world.later(10)
    with pytest.raises(Conflict):
        world.extend(held)
    assert world.figures("root") == (0, 0, 0)


def test_an_extension_past_the_windows_end_is_a_new_admission(world: World) -> None:
    world.budget("daily", USD, recurrence="DAILY")
    held = world.held("daily", 60 * CENT, ttl_seconds=86_400)
    world.settled(held, (usage("o"), cost(20 * CENT)), final=False)
    first = world.window("daily").uid
    world.later(13 * 3600)
    world.held("daily", 70 * CENT)
    refused = world.extend(held)
    assert isinstance(refused, BudgetExceeded)
    assert world.store.windows[first].reserved == 40 * CENT
    world.release(world.held("daily", 70 * CENT, "k2"))
    assert isinstance(world.extend(held), Reservation)
    assert world.store.windows[first].reserved == 0
    assert world.window("daily").reserved == 40 * CENT
    world.settled(held, (usage("o", 5), cost(50 * CENT)))
    assert world.store.windows[first].spent == 20 * CENT
    assert world.window("daily").spent == 30 * CENT


def test_an_extension_names_every_limit_that_it_passes_and_a_hard_one_wins(world: World) -> None:
    """Found by the simulator (seeds 1031 and 2897): the new minute's throttle hid the lifetime's wall."""
    held = world.held("leaf", 60 * CENT, ttl_seconds=600)
    world.update("leaf", limits=(limit("REQUESTS", 0, "MINUTE", "THROTTLE"),))
    world.later(60)
    assert isinstance(world.extend(held, add=40 * CENT), Throttled)
    refused = world.extend(held, add=41 * CENT)
    assert isinstance(refused, BudgetExceeded)
    asked = {(each.meter, each.window): each.requested for each in refused.violations}
    assert asked == {
        (Meter.COST, WindowKind.PERIOD): 41 * CENT,
        (Meter.REQUESTS, WindowKind.MINUTE): 1,
    }
    assert world.figures("root") == (0, 60 * CENT, 0)


def test_a_limit_on_one_request_is_not_passed_by_extensions(world: World) -> None:
    world.update("leaf", limits=(limit("COST", 10 * CENT, "REQUEST"),))
    held = world.held("leaf", 10 * CENT)
    assert isinstance(world.extend(held, add=CENT), BudgetExceeded)


def test_a_lease_on_a_closed_budget_lives_but_does_not_grow(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.one(CloseBudget(T, None, "leaf"))
    assert isinstance(world.extend(held), Reservation)
    with pytest.raises(Exception, match="closed"):
        world.extend(held, add=CENT)


def test_a_release_repeated_answers_the_same(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    first = world.release(held)
    world.forget()
    again = world.release(held)
    assert again == first._replace(duplicate=True)
    with pytest.raises(NotFound):
        world.release(held._replace(reservation_id="nothing"))


def test_a_refund_names_what_it_adjusts_and_restores_the_right_window(world: World) -> None:
    world.budget("daily", USD, recurrence="DAILY")
    world.record(usage("o", budget_id="daily"), cost(30 * CENT))
    first = world.window("daily").uid
    world.later(86_400)
    world.record(usage("p", budget_id="daily"), cost(10 * CENT))
    done = world.adjust("o", -20 * CENT)
    assert done.entry.kind is EntryKind.ADJUSTMENT
    assert done.entry.adjusts == f"{T}/{1:016d}"
    assert done.entry.operations == 0
    assert world.store.windows[first].spent == 10 * CENT
    assert world.window("daily").spent == 10 * CENT


def test_an_adjustment_repeated_is_booked_once(world: World) -> None:
    world.record(usage("o", budget_id="leaf"), cost(30 * CENT))
    first = world.adjust("o", -10 * CENT, "x")
    world.forget()
    again = world.adjust("o", -10 * CENT, "x")
    assert again.duplicate
    assert again.entry == first.entry
    assert world.figures("root")[0] == 20 * CENT
    with pytest.raises(Conflict):
        world.adjust("o", -11 * CENT, "x")


def test_an_operation_cannot_cost_less_than_nothing(world: World) -> None:
    world.record(usage("o", budget_id="leaf"), cost(30 * CENT))
    world.adjust("o", -20 * CENT)
    with pytest.raises(InvalidInput):
        world.adjust("o", -11 * CENT)
    world.adjust("o", -10 * CENT)
    assert world.figures("root")[0] == 0
    with pytest.raises(NotFound):
        world.adjust("unknown", -CENT)


def test_a_full_refund_leaves_nothing_in_any_component(world: World) -> None:
    quote = cost(0)._replace(prompt_nano=7, completion_nano=5, other_nano=3, total_nano=15)
    world.record(usage("o", budget_id="leaf"), quote)
    world.adjust("o", -4)
    world.adjust("o", -11)
    parts = [each.entry for each in world.store.entries]
    assert sum(each.prompt_cost_nano for each in parts) == 0
    assert sum(each.completion_cost_nano for each in parts) == 0
    assert sum(each.other_cost_nano for each in parts) == 0


def test_a_temporary_increase_ends_by_itself(world: World) -> None:
    until = NOON_US + 3600 * SECOND_US
    world.one(IncreaseLimit(T, None, "inc", "root", USD, until))
    world.one(IncreaseLimit(T, None, "inc", "root", USD, until))
    world.held("leaf", 2 * USD, ttl_seconds=60)
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    world.later(3600)
    assert isinstance(world.reserve("leaf", USD + 1), BudgetExceeded)
    world.held("leaf", USD)


def test_a_raised_limit_holds_at_once_and_a_lowered_one_too(world: World) -> None:
    world.held("leaf", USD)
    world.update("root", amount_nano=2 * USD)
    world.held("leaf", 50 * CENT)
    world.update("root", amount_nano=USD)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)


def test_carry_over_is_capped_and_frozen_at_the_rollover(world: World) -> None:
    world.budget("daily", USD, recurrence="DAILY", carry_over_cap_nano=30 * CENT)
    world.record(usage("o", budget_id="daily"), cost(90 * CENT))
    first = world.window("daily")
    world.now_us = NOON_US + DAY_US
    world.held("daily", 110 * CENT)
    assert isinstance(world.reserve("daily", CENT), BudgetExceeded)
    assert world.window("daily").carried == 10 * CENT
    late = usage("late", budget_id="daily", timestamp="2026-10-01T13:00:00Z")
    world.record(late, cost(10 * CENT))
    world.forget()
    assert world.window("daily").carried == 10 * CENT
    assert world.store.windows[first.uid].spent == USD
    world.now_us = NOON_US + 10 * DAY_US
    world.held("daily", 130 * CENT)
    assert isinstance(world.reserve("daily", 1), BudgetExceeded)


def test_a_budget_without_carry_over_begins_anew(world: World) -> None:
    world.budget("monthly", USD, recurrence=Recurrence.MONTHLY)
    world.held("monthly", USD)
    world.now_us = NOON_US + 31 * DAY_US
    world.held("monthly", USD)
    assert isinstance(world.reserve("monthly", 1), BudgetExceeded)
