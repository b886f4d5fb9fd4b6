"""What operations cost beside what they were expected to: at every edge, and whenever a cost is known."""

import pytest

from ledger.changes import Deviation
from ledger.model import uid_of
from ledger.price_commands import Reprice
from ledger.results import InvalidUsage
from ledger.usage import parse_usage
from tests.support.shop import Shop, price
from tests.support.simulated_store import SimulatedStore
from tests.support.world import CENT, UNPRICED, T, World, cost, usage

ESTIMATED = 100 * CENT


@pytest.fixture
def world() -> World:
    world = World()
    world.budget("root")
    world.budget("leaf", None, "root")
    return world


def noted(world: World, operation_id: str) -> Deviation | None:
    return world.store.deviations.get(uid_of(T, operation_id))


@pytest.mark.parametrize(
    ("estimated", "actual", "severity", "ppm"),
    [
        (ESTIMATED, ESTIMATED, None, None),
        (ESTIMATED, 120 * CENT - 1, None, None),
        (ESTIMATED, 80 * CENT + 1, None, None),
        (ESTIMATED, 120 * CENT, "low", 200_000),
        (ESTIMATED, 80 * CENT, "low", 200_000),
        (ESTIMATED, 150 * CENT - 1, "low", 500_000),
        (ESTIMATED, 150 * CENT, "medium", 500_000),
        (ESTIMATED, 50 * CENT, "medium", 500_000),
        (ESTIMATED, 200 * CENT - 1, "medium", 1_000_000),
        (ESTIMATED, 200 * CENT, "high", 1_000_000),
        (ESTIMATED, 0, "high", 1_000_000),
        (ESTIMATED, 300 * CENT, "high", 2_000_000),
        (ESTIMATED, 300 * CENT + 1, "critical", 2_000_000),
        (0, 1, "critical", None),
        (0, 0, None, None),
    ],
)
def test_every_edge_of_a_recorded_usage(
    world: World, estimated: int, actual: int, severity: str | None, ppm: int | None
) -> None:
    said = usage("op", 1, budget_id="leaf", provider="v", estimated_cost=f"{estimated / 10**9:.9f}")
    world.record(said, cost(actual))
    found = noted(world, "op")
    if severity is None:
        assert found is None
        return
    assert found is not None
    assert (found.agent_id, found.budget_id, found.currency) == ("a", "leaf", "USD")
    assert found.anomaly == (
        "op",
        "v",
        "m",
        estimated,
        actual,
        ppm,
        severity,
        world.now_us,
    )


def test_without_an_estimate_nothing_is_compared(world: World) -> None:
    world.record(usage("op", 1, budget_id="leaf"), cost(CENT))
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("settled", 1), cost(CENT)))
    assert world.store.deviations == {}


def test_a_stream_is_compared_at_its_end_and_once(world: World) -> None:
    held = world.held("leaf", 100 * CENT)
    world.settled(held, (usage("op", 1, estimated_cost="0.1"), cost(CENT)), final=False)
    assert noted(world, "op") is None
    world.settled(held, (usage("op", 5), cost(5 * CENT)), final=False)
    last = (usage("op", 9), cost(30 * CENT))
    world.settled(held, last)
    found = noted(world, "op")
    assert found is not None
    assert (found.anomaly.estimated_cost_nano, found.anomaly.actual_cost_nano) == (10 * CENT, 30 * CENT)
    world.later(1)
    world.settled(held, last)
    assert noted(world, "op") == found


def test_an_operation_that_grows_to_what_was_expected_is_no_anomaly(world: World) -> None:
    held = world.held("leaf", 100 * CENT)
    world.settled(held, (usage("op", 1, estimated_cost="0.1"), cost(CENT)))
    assert noted(world, "op") is not None
    world.settled(held, (usage("op", 9), cost(10 * CENT)))
    assert noted(world, "op") is None


def test_an_estimate_may_come_with_the_end_of_a_stream(world: World) -> None:
    held = world.held("leaf", 100 * CENT)
    world.settled(held, (usage("op", 5), cost(5 * CENT)), final=False)
    world.settled(held, (usage("op", 5, estimated_cost="0.02"), cost(5 * CENT)))
    found = noted(world, "op")
    assert found is not None
    assert found.anomaly.severity == "high"


def test_what_was_charged_by_what_was_held_is_not_compared(world: World) -> None:
    held = world.held("leaf", 100 * CENT)
    world.settled(held, (usage("op", 5, estimated_cost="0.02"), UNPRICED))
    world.record(usage("unpriced", 5, budget_id="leaf", estimated_cost="0.02"), UNPRICED)
    assert world.store.deviations == {}


def test_a_usage_is_compared_when_its_price_comes() -> None:
    store = SimulatedStore()
    shop = Shop(store)
    shop.create("acme")
    shop.recorded("op", model_id="secret", budget_id="acme", estimated_cost="0.5")
    assert store.deviations == {}
    shop.say("deal", price("uncached", "1"), model="secret")
    shop.do(Reprice(shop.tenant, None, [shop.uid("op")]))
    found = store.deviations[shop.uid("op")]
    assert (found.anomaly.actual_cost_nano, found.anomaly.severity) == (10**9, "high")
    assert found.anomaly.provider == "openai"


def test_another_estimate_is_another_content(world: World) -> None:
    first = usage("op", 1, budget_id="leaf", estimated_cost="0.10")
    assert world.record(first, cost(CENT)).duplicate is False
    again = usage("op", 1, budget_id="leaf", estimated_cost="0.1")
    assert world.record(again, cost(CENT)).duplicate is True
    other = world.record(usage("op", 1, budget_id="leaf", estimated_cost="0.2"), cost(CENT))
    assert "other content" in other.message


@pytest.mark.parametrize("estimated", ["-0.01", 0.5, "much", "1e30"])
def test_an_estimate_that_cannot_be_is_refused(estimated: object) -> None:
    said = {"operation_id": "op", "agent_id": "a", "capability_type": "c", "model_id": "m"}
    found = parse_usage({**said, "estimated_cost": estimated})
    assert isinstance(found, InvalidUsage)
    assert found.field == "estimated_cost"
