"""Several thresholds: each tells once per window; with hysteresis they are left, and budgets cool down."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import IncreaseLimit, UpdateBudget
from ledger.errors import InvalidInput
from ledger.events import BUDGET_EXCEEDED, BUDGET_RECOVERED, BUDGET_WARNING
from ledger.model import Threshold
from tests.support.world import SECOND_US, T, World, cost, limit, usage

HALF = Threshold(500_000)
LEAVABLE = (Threshold(500_000, 100_000), Threshold(800_000, 50_000), Threshold(1_000_000, 0))
EXCEEDED = 1_000_000


@pytest.fixture
def world() -> World:
    return World()


def spend(world: World, amount: int, budget: str = "b") -> None:
    world.record(usage(f"op{world.key()}", budget_id=budget), cost(amount))


def told(world: World) -> list[tuple[str, float]]:
    """Type and threshold of every event so far."""
    return [(each.type, orjson.loads(each.payload)["threshold"]) for each in world.store.events]


def refund(world: World, amount: int) -> None:
    """Take back as much of what was spent, whichever operations it was."""
    for uid, usage_ in list(world.store.usages.items()):
        left = sum(each.entry.total_cost_nano for each in world.store.entries if each.usage_uid == uid)
        part = min(left, amount)
        if part:
            world.adjust(usage_.operation.usage.sent.operation_id, -part)
            amount -= part


def test_each_of_several_thresholds_tells_once_in_order(world: World) -> None:
    world.budget("b", 100, thresholds=(Threshold(900_000), Threshold(250_000), HALF))
    for _ in range(12):
        spend(world, 10)
        world.forget()
    assert told(world) == [
        (BUDGET_WARNING, 0.25),
        (BUDGET_WARNING, 0.5),
        (BUDGET_WARNING, 0.8),
        (BUDGET_WARNING, 0.9),
        (BUDGET_EXCEEDED, 1.0),
    ]


def test_every_limit_of_the_budget_has_them(world: World) -> None:
    world.budget("b", None, limits=[limit("REQUESTS", 4, "DAY")], thresholds=(HALF,))
    for _ in range(4):
        spend(world, 0)
    assert told(world) == [(BUDGET_WARNING, 0.5), (BUDGET_WARNING, 0.8), (BUDGET_EXCEEDED, 1.0)]


def test_a_threshold_that_is_added_tells_from_then_on(world: World) -> None:
    world.budget("b", 100)
    spend(world, 60)
    world.update("b", thresholds=(HALF,))
    assert told(world) == []
    spend(world, 1)
    assert told(world) == [(BUDGET_WARNING, 0.5)]
    world.update("b", thresholds=())
    world.update("b", thresholds=(HALF,))
    spend(world, 1)
    assert told(world) == [(BUDGET_WARNING, 0.5)], "once per window, whatever was said in between"


def test_a_threshold_is_left_below_its_hysteresis_and_told_once(world: World) -> None:
    world.budget("b", 100, thresholds=(Threshold(500_000, 100_000),))
    spend(world, 50)
    refund(world, 10)
    assert told(world) == [(BUDGET_WARNING, 0.5)], "40 % is not below 40 %"
    refund(world, 1)
    assert told(world)[1:] == [(BUDGET_RECOVERED, 0.5)]
    spend(world, 20)
    refund(world, 20)
    assert len(told(world)) == 2, "both were told in this window"


def test_without_a_hysteresis_nothing_is_told_of_leaving(world: World) -> None:
    world.budget("b", 100, thresholds=(HALF,))
    spend(world, 90)
    refund(world, 90)
    assert told(world) == [(BUDGET_WARNING, 0.5), (BUDGET_WARNING, 0.8)]


def test_more_that_is_allowed_leaves_thresholds_too(world: World) -> None:
    world.budget("b", 100, thresholds=LEAVABLE)
    spend(world, 100)
    assert [each for each, _ in told(world)] == [BUDGET_WARNING, BUDGET_WARNING, BUDGET_EXCEEDED]
    until_us = world.now_us + 3_600 * SECOND_US
    world.one(IncreaseLimit(T, None, "i", "b", 20, until_us))
    assert told(world)[3:] == [(BUDGET_RECOVERED, 1.0)]
    world.update("b", amount_nano=300)
    assert told(world)[4:] == [(BUDGET_RECOVERED, 0.8), (BUDGET_RECOVERED, 0.5)]


def test_what_is_given_back_by_a_release_is_no_spend(world: World) -> None:
    world.budget("b", 100, thresholds=LEAVABLE)
    held = world.held("b", 90)
    world.release(held)
    assert told(world) == []


def test_the_next_window_tells_again(world: World) -> None:
    world.budget("b", 100, recurrence="DAILY", thresholds=(HALF,))
    for _ in range(2):
        spend(world, 60)
        world.later(86_400)
    assert told(world) == [(BUDGET_WARNING, 0.5)] * 2


def test_a_budget_that_cools_down_tells_only_what_is_higher(world: World) -> None:
    world.budget("b", 100, cool_down_seconds=60, thresholds=(HALF,), limits=[limit("REQUESTS", 2, "DAY")])
    spend(world, 50)
    assert told(world) == [(BUDGET_WARNING, 0.5)], "two limits reached it: one is told now"
    spend(world, 30)
    assert told(world)[1:] == [(BUDGET_WARNING, 0.8), (BUDGET_EXCEEDED, 1.0)]
    world.later(59)
    world.sweep()
    assert len(told(world)) == 3
    world.later(2)
    world.forget()
    world.sweep()
    # Of the requests' limit: 0.5 and 0.8 were held back, and 1.0 was told.
    assert told(world)[3:] == [(BUDGET_WARNING, 0.5), (BUDGET_WARNING, 0.8)]
    world.later(600)
    world.sweep()
    assert len(told(world)) == 5


def test_what_is_held_back_and_no_longer_so_is_not_told(world: World) -> None:
    world.budget("b", 100, cool_down_seconds=60, limits=[limit("COST", 50, "MONTH")])
    spend(world, 50)
    assert told(world) == [(BUDGET_WARNING, 0.8), (BUDGET_EXCEEDED, 1.0)]
    spend(world, 30)
    refund(world, 60)
    world.later(61)
    world.sweep()
    assert len(told(world)) == 2
    spend(world, 65)
    assert told(world)[2:] == [(BUDGET_WARNING, 0.8)]


def test_leaving_waits_until_it_has_cooled_down(world: World) -> None:
    world.budget("b", 100, cool_down_seconds=60, thresholds=(Threshold(500_000, 0),))
    spend(world, 50)
    refund(world, 20)
    assert told(world) == [(BUDGET_WARNING, 0.5)]
    world.later(61)
    world.sweep()
    assert told(world)[1:] == [(BUDGET_RECOVERED, 0.5)]


def test_what_waits_is_told_by_the_next_charge_as_well(world: World) -> None:
    world.budget("b", 100, recurrence="DAILY", cool_down_seconds=7_200)
    world.later(11.5 * 3_600)
    spend(world, 80)
    world.later(3_600)
    spend(world, 80)
    assert told(world) == [(BUDGET_WARNING, 0.8)], "the new day began within the cool-down"
    world.later(3_700)
    spend(world, 1)
    assert told(world) == [(BUDGET_WARNING, 0.8)] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": (Threshold(0),)},
        {"thresholds": (Threshold(1_000_001),)},
        {"thresholds": (HALF, HALF)},
        {"thresholds": (HALF, Threshold(500_000, 1))},
        {"thresholds": (Threshold(500_000, 500_000),)},
        {"thresholds": (Threshold(500_000, -1),)},
        {"thresholds": tuple(Threshold(each) for each in range(1, 12))},
        {"cool_down_seconds": -1},
        {"cool_down_seconds": 10**6},
    ],
)
def test_what_makes_no_sense_is_refused(world: World, wrong: dict[str, Any]) -> None:
    world.budget("b", 100)
    with pytest.raises(InvalidInput):
        world.one(UpdateBudget(T, None, "b", wrong))
    with pytest.raises(InvalidInput):
        world.budget("c", 100, **wrong)


DONE: dict[str, Callable[[World, int], object]] = {
    "spend": spend,
    "refund": refund,
    "wait": World.later,
    "forget": lambda world, _: world.forget(),
    "sweep": lambda world, _: world.sweep(),
}
STEPS = st.lists(st.tuples(st.sampled_from([*DONE, "raise"]), st.integers(1, 60)), max_size=30)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, cool_down=st.sampled_from([0, 30]))
def test_every_threshold_tells_and_is_left_at_most_once_and_nothing_too_soon(
    steps: list[tuple[str, int]], cool_down: int
) -> None:
    world = World()
    world.budget("b", 100, thresholds=LEAVABLE, cool_down_seconds=cool_down)
    amount = 100
    for step, figure in steps:
        if step == "raise":
            amount += figure
            world.update("b", amount_nano=amount)
        else:
            DONE[step](world, figure)
        if not cool_down and world.store.windows:
            _check_told(world, amount)
    events = told(world)
    assert len(set(events)) == len(events)
    for place, (kind, threshold) in enumerate(events):
        if kind == BUDGET_RECOVERED:
            assert any(before[0] != kind and before[1] == threshold for before in events[:place])
    if cool_down:
        _check_pace(world, cool_down)


def _check_told(world: World, amount: int) -> None:
    """Without a cool-down a window that was just charged has told all that it reached."""
    window = world.window("b")
    reached = {each for each in (500_000, 800_000, EXCEEDED) if window.spent * EXCEEDED >= amount * each}
    last = world.store.entries[-1].entry if world.store.entries else None
    if last is not None and last.recorded_at_us == world.now_us and last.total_cost_nano > 0:
        assert reached <= set(window.told)
    assert set(window.recovered) <= set(window.told)


def _check_pace(world: World, cool_down: int) -> None:
    """Two events within the cool-down: the later one is of something higher."""
    events = [(each.at_us, each.type, orjson.loads(each.payload)["threshold"]) for each in world.store.events]
    for (before_us, _, before), (at_us, kind, threshold) in pairwise(events):
        if at_us - before_us < cool_down * SECOND_US and kind != BUDGET_RECOVERED:
            assert threshold > before or _recovered_at(events, before_us)


def _recovered_at(events: list[tuple[int, str, float]], at_us: int) -> bool:
    """After a threshold was left, lower ones may follow: what stands is lower."""
    return any(each_us == at_us and kind == BUDGET_RECOVERED for each_us, kind, _ in events)
