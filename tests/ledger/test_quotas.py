"""Quotas: a file's words for limits, limits on a file's size and a lease's age, and how far they are used."""

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from ledger.errors import Conflict, InvalidInput
from ledger.holds import HoldState
from ledger.model import Meter
from ledger.quotas import QUOTAS, specs_of, text_of
from ledger.results import BudgetExceeded, Reservation, Throttled
from tests.support.quota_limits import FILE, LIMITS
from tests.support.world import CENT, USD, World, bound, cost, limit, usage

HOUR = 3_600


@pytest.fixture
def world() -> World:
    return World()


def file_of(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def test_the_source_documents_file_means_these_limits() -> None:
    specs = specs_of(file_of(FILE.read_text(encoding="utf-8")))
    assert specs.keys() == LIMITS.keys() == QUOTAS.keys()
    for key, spec in specs.items():
        wanted = LIMITS[key]
        assert (spec.meter, spec.resource, spec.each) == (
            wanted["meter"],
            wanted.get("resource"),
            wanted.get("each"),
        )
        assert (spec.window and spec.window.value) == wanted.get("window")
        unit = USD if spec.meter is Meter.COST else 1
        assert spec.amount == int(wanted["amount"]) * unit


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[llm]\nmax_tokens_per_dya = 1", "llm.max_tokens_per_dya"),
        ("[lmm]\nmax_tokens_per_day = 1", "lmm.max_tokens_per_day"),
        ("[gpus]", "gpus"),
        ("max_tokens_per_day = 1", "max_tokens_per_day"),
        ("[llm]\nmax_tokens_per_day = 1\nmax_tokens_per_week = 1\n[gpu]\nmax = 1", "llm.max_tokens_per_week"),
        ('[llm]\nmax_tokens_per_day = "many"', "llm.max_tokens_per_day"),
        ("[llm]\nmax_tokens_per_day = true", "llm.max_tokens_per_day"),
        ("[llm]\nmax_tokens_per_day = -1", "llm.max_tokens_per_day"),
        ("[llm]\nmax_tokens_per_day = 0.5", "llm.max_tokens_per_day"),
        ("[llm]\nmax_cost_per_day = nan", "llm.max_cost_per_day"),
        ("[llm]\nmax_cost_per_day = inf", "llm.max_cost_per_day"),
        ("[llm]\nmax_cost_per_day = 1e999999", "llm.max_cost_per_day"),
        ("[llm]\nmax_cost_per_day = 0.0000000001", "llm.max_cost_per_day"),
        ("[agents]\nmax_lifetime_hours = 0.0001", "agents.max_lifetime_hours"),
    ],
)
def test_what_a_file_cannot_say_is_named(text: str, named: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        specs_of(file_of(text))
    assert named in wrong.value.message
    assert wrong.value.field == named


def test_all_unknown_keys_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as wrong:
        specs_of(file_of("[llm]\na = 1\nmax_tokens_per_day = 1\n[b]\nc = 1"))
    assert wrong.value.message.startswith("There is no quota llm.a, b.c, b.")


def test_figures_are_exact_in_the_units_of_their_keys() -> None:
    specs = specs_of(
        file_of(
            "[llm]\nmax_cost_per_day = 0.000000001\n[agents]\nmax_lifetime_hours = 0.5\n"
            "[storage]\nmax_file_size_mb = 0.000001"
        )
    )
    amounts = {key: spec.amount for key, spec in specs.items()}
    assert amounts == {
        "llm.max_cost_per_day": 1,
        "agents.max_lifetime_hours": 1_800,
        "storage.max_file_size_mb": 1,
    }
    assert [text_of(QUOTAS[key].figure(amount)) for key, amount in amounts.items()] == [
        "0.000000001",
        "0.5",
        "0.000001",
    ]


def test_limits_that_are_put_take_the_place_of_their_likes_and_the_others_stay(world: World) -> None:
    world.budget("b", USD, limits=[limit("COST", 5 * CENT, "DAY"), limit("LEVEL", 3, None, "HARD", "agents")])
    world.held("b", 4 * CENT)
    world.update("b", put_limits=(limit("COST", 6 * CENT, "DAY"), limit("TOKENS", 9, "DAY")))
    found = {each.key: each.amount for each in world.store.budgets["t/b"][0].limits}
    assert found == {"amount": USD, "COST/DAY": 6 * CENT, "LEVEL//agents": 3, "TOKENS/DAY": 9}
    assert world.figures("b", "COST/DAY") == (0, 4 * CENT, 0)
    with pytest.raises(InvalidInput):
        world.update("b", put_limits=tuple(limit("LEVEL", 1, None, "HARD", f"r{i}") for i in range(63)))


def test_a_file_of_the_limits_size_passes_and_a_byte_more_does_not(world: World) -> None:
    world.budget("b", limits=[limit("SIZE", 500, "REQUEST")])
    world.held("b", 0, size_bytes=500)
    refused = world.reserve("b", 0, size_bytes=501)
    assert isinstance(refused, BudgetExceeded)
    assert refused.message.startswith("Max file size exceeded: 501 / 500 bytes")
    assert refused.detail.startswith("Split the file")
    # It is one file's size: many requests in one hold do not make room for a larger one.
    assert isinstance(world.reserve("b", 0, size_bytes=501, requests=10), BudgetExceeded)
    (violation,) = refused.violations
    assert (violation.meter, violation.limit, violation.requested) == (Meter.SIZE, 500, 501)
    with pytest.raises(InvalidInput):
        world.reserve("b", 0, size_bytes=-1)


def test_a_soft_limit_on_size_warns_and_one_that_delays_sends_away(world: World) -> None:
    world.budget("soft", limits=[limit("SIZE", 5, "REQUEST", "SOFT")])
    assert [each.code for each in world.held("soft", 0, size_bytes=6).warnings] == ["SOFT_LIMIT"]
    world.budget("slow", limits=[limit("SIZE", 5, "REQUEST", "THROTTLE")])
    assert isinstance(world.reserve("slow", 0, size_bytes=6), Throttled)


def test_other_content_of_a_repeated_reservation_is_a_conflict_by_its_size_too(world: World) -> None:
    world.budget("b")
    assert world.held("b", 0, "k", size_bytes=5).reservation_id == world.held("b", 0, "k", size_bytes=5)[0]
    with pytest.raises(Conflict):
        world.reserve("b", 0, "k", size_bytes=6)


def test_a_lease_lives_as_long_as_its_limit_and_is_not_extended_past_it(world: World) -> None:
    world.budget("root", limits=[limit("AGE", HOUR, None, "HARD", "agents")])
    world.budget("leaf", None, "root")
    refused = world.reserve("leaf", 0, ttl_seconds=HOUR + 1)
    assert isinstance(refused, BudgetExceeded)
    assert refused.message.startswith("Max lifetime reached: 3600 s")
    held = world.held("leaf", CENT, ttl_seconds=1_800)
    world.later(1_000)
    assert isinstance(world.extend(held, 2_600), Reservation)
    world.later(1_000)
    for add in (0, CENT):
        late = world.extend(held, 1_601, add)
        assert isinstance(late, BudgetExceeded)
        assert [(each.meter, each.limit, each.requested) for each in late.violations] == [
            (Meter.AGE, HOUR, HOUR + 1)
        ]
    (hold,) = world.store.holds.values()
    assert (hold.state, hold.cost_nano) == (HoldState.HELD, CENT)
    world.later(1_600)
    assert world.sweep() == 1
    assert world.figures("root") == (0, 0, 0)
    with pytest.raises(Conflict):
        world.extend(held, 1)


def test_an_age_is_that_of_what_its_limit_names_and_of_leases_alone(world: World) -> None:
    world.budget("b", limits=[limit("AGE", 60, None, "HARD", "sandboxes")])
    world.held("b", 0, ttl_seconds=300)
    world.held("b", 0, ttl_seconds=300, resource="sandboxes", quantity=0)
    assert isinstance(world.reserve("b", 0, ttl_seconds=61, resource="sandboxes"), BudgetExceeded)
    world.held("b", 0, ttl_seconds=60, resource="sandboxes")


def test_an_age_counts_parts_of_a_second(world: World) -> None:
    world.budget("b", limits=[limit("AGE", 60, None, "HARD", "agents")])
    held = world.held("b", 0, ttl_seconds=30)
    world.later(10.000001)
    assert isinstance(world.extend(held, 50), BudgetExceeded)
    assert isinstance(world.extend(held, 49), Reservation)


def test_a_lease_of_something_else_is_no_request_of_an_api(world: World) -> None:
    world.budget("b", limits=[limit("REQUESTS", 1, "DAY", "HARD", "api")])
    world.held("b", 0, resource="sandboxes")
    world.held("b", 0, model_id="m", bound=bound(0, 0))
    held = world.held("b", 0)
    assert isinstance(world.reserve("b", 0), BudgetExceeded)
    world.settled(held, (usage("o", model_id=None, outcome="ERROR"), cost(0)))
    assert world.figures("b", "REQUESTS/DAY/api") == (1, 0, 0)
    assert isinstance(world.reserve("b", 0), BudgetExceeded)


def test_refusals_leave_every_count_where_it_was(world: World) -> None:
    world.budget("b", limits=[limit("LEVEL", 1, None, "HARD", "agents"), limit("REQUESTS", 5, "DAY")])
    held = world.held("b", 0)
    for _ in range(10):
        assert isinstance(world.reserve("b", 0), BudgetExceeded)
    assert world.figures("b", "LEVEL//agents") == (0, 1, 0)
    assert world.figures("b", "REQUESTS/DAY") == (0, 1, 0)
    for _ in range(3):
        world.release(held)
    assert world.figures("b", "LEVEL//agents") == (0, 0, 0)
    assert world.figures("b", "REQUESTS/DAY") == (0, 0, 0)
