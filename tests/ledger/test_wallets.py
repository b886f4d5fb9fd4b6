"""Wallets: credit that is topped up, held, spent, low, and never below zero by a reservation."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import CloseBudget, TopUp
from ledger.errors import BudgetClosed, Conflict, InvalidInput, NotFound, OutOfRange
from ledger.model import WALLET_LIMIT, Budget, Recurrence
from ledger.results import BudgetExceeded, RecordedUsage, Reservation
from ledger.windows import effective_available, standing_of
from pricing.money import NANO_MAX
from tests.support.world import CENT, SECOND_US, USD, T, World, cost, limit, usage


@pytest.fixture
def world() -> World:
    world = World()
    world.budget("root", low_balance_nano=20 * CENT)
    world.budget("leaf", None, "root")
    return world


def top_up(world: World, amount: int, key: str | None = None, budget: str = "root", **said: Any) -> Budget:
    return world.one(TopUp(T, said.pop("scope_uid", None), key or world.key(), budget, amount, **said))


def wallet(world: World, budget: str = "root") -> tuple[int, int, int, int]:
    """Topped up, spent, reserved, forced."""
    found = world.store.budgets[f"t/{budget}"][0].wallet
    assert found is not None
    return found.amount or 0, *world.figures(budget, WALLET_LIMIT)


def spend(world: World, amount: int, **fields: Any) -> RecordedUsage:
    return world.record(usage(world.key(), budget_id="leaf", **fields), cost(amount))


def events(world: World, kind: str = "budget.low_balance") -> list[dict[str, Any]]:
    return [orjson.loads(each.payload) for each in world.store.events if each.type == kind]


def test_a_reservation_must_fit_into_what_is_available(world: World) -> None:
    assert world.store.budgets["t/root"][0].wallet is None
    world.held("leaf", 1_000 * USD)
    world.later(1)
    top_up(world, USD)
    first = world.held("leaf", 70 * CENT)
    refused = world.reserve("leaf", 31 * CENT)
    assert isinstance(refused, BudgetExceeded)
    assert refused.message.startswith("Insufficient balance: $0.31 requested, $0.3 available")
    assert refused.detail.startswith("Top up the budget")
    world.held("leaf", 30 * CENT)
    assert wallet(world) == (USD, 0, USD, 0)
    top_up(world, 31 * CENT)
    world.held("leaf", 31 * CENT)
    world.settled(first, (usage("o"), cost(10 * CENT)))
    assert wallet(world) == (131 * CENT, 10 * CENT, 61 * CENT, 0)


def test_credit_pays_for_what_is_spent_from_its_beginning_on(world: World) -> None:
    spend(world, 5 * USD)
    before = world.held("leaf", 2 * USD)
    world.later(60)
    top_up(world, USD)
    assert wallet(world) == (USD, 0, 0, 0)
    # What was held before is settled where it was held.
    world.settled(before, (usage("before"), cost(2 * USD)))
    spend(world, CENT, timestamp="2026-10-01T11:59:00Z")
    assert wallet(world) == (USD, 0, 0, 0)
    spend(world, CENT)
    assert wallet(world) == (USD, CENT, 0, 0)
    world.forget()
    spend(world, CENT)
    assert wallet(world) == (USD, 2 * CENT, 0, 0)


def test_a_hold_of_before_that_is_extended_comes_under_the_wallet(world: World) -> None:
    held = world.held("leaf", 60 * CENT)
    world.later(1)
    top_up(world, 50 * CENT)
    assert isinstance(world.extend(held), BudgetExceeded)
    top_up(world, 10 * CENT)
    assert isinstance(world.extend(held), Reservation)
    assert wallet(world) == (60 * CENT, 0, 60 * CENT, 0)


def test_what_lands_anyway_takes_it_below_zero_and_is_forced(world: World) -> None:
    top_up(world, USD)
    world.held("leaf", 40 * CENT)
    spend(world, 80 * CENT)
    assert wallet(world) == (USD, 80 * CENT, 40 * CENT, 20 * CENT)
    spend(world, USD)
    assert wallet(world) == (USD, 180 * CENT, 40 * CENT, 120 * CENT)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)
    top_up(world, USD)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)
    top_up(world, 20 * CENT + 1)
    world.held("leaf", 1)


def test_a_top_up_repeated_adds_once_and_other_content_is_a_conflict(world: World) -> None:
    top_up(world, USD, "k", reason="invoice 1")
    world.forget()
    top_up(world, USD, "k", reason="invoice 1")
    assert wallet(world)[0] == USD
    for amount, reason in ((2 * USD, "invoice 1"), (USD, "invoice 2")):
        with pytest.raises(Conflict):
            top_up(world, amount, "k", reason=reason)
    with pytest.raises(Conflict):
        top_up(world, USD, "k", "leaf", reason="invoice 1")
    assert [each.amount_nano for each in world.store.credits] == [USD]
    (entry,) = [each for each in world.store.audit if each.action == "budget.top_up"]
    assert entry.budget_uid == "t/root"


def test_what_a_top_up_cannot_be(world: World) -> None:
    with pytest.raises(InvalidInput):
        top_up(world, 0)
    with pytest.raises(NotFound):
        top_up(world, USD, budget="nowhere")
    with pytest.raises(NotFound):
        top_up(world, USD, scope_uid="t/leaf")
    top_up(world, NANO_MAX)
    with pytest.raises(OutOfRange):
        top_up(world, 1)
    world.one(CloseBudget(T, None, "leaf"))
    with pytest.raises(BudgetClosed):
        top_up(world, USD, budget="leaf")


def test_credit_is_taken_back_as_far_as_it_is_available(world: World) -> None:
    with pytest.raises(Conflict):
        top_up(world, -1)
    top_up(world, USD)
    spend(world, 30 * CENT)
    held = world.held("leaf", 50 * CENT, ttl_seconds=10)
    with pytest.raises(Conflict) as refused:
        top_up(world, -20 * CENT - 1)
    assert "0.2 is available" in refused.value.message
    top_up(world, -20 * CENT)
    assert wallet(world) == (80 * CENT, 30 * CENT, 50 * CENT, 0)
    world.later(10)
    top_up(world, -50 * CENT)
    assert wallet(world) == (30 * CENT, 30 * CENT, 0, 0)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)
    del held


def test_a_low_balance_is_told_once_until_it_is_topped_up_above_it_again(world: World) -> None:
    top_up(world, USD)
    spend(world, 80 * CENT - 1)
    assert events(world) == []
    answer = spend(world, 1)
    assert [each.code for each in answer.warnings] == ["LOW_BALANCE"]
    assert [(each["balance"], each["low_balance_threshold"]) for each in events(world)] == [("0.2", "0.2")]
    assert (events(world)[0]["threshold"], events(world)[0]["percentage_used"]) == (0.8, 0.8)
    spend(world, 5 * CENT)
    world.forget()
    assert [each.code for each in spend(world, 5 * CENT).warnings] == ["LOW_BALANCE"]
    assert [each.code for each in world.held("leaf", CENT).warnings] == ["LOW_BALANCE"]
    top_up(world, 10 * CENT)
    assert len(events(world)) == 1, "still no more than the threshold"
    top_up(world, 1)
    assert spend(world, 0).warnings == ()
    spend(world, 1)
    assert [each["balance"] for each in events(world)] == ["0.2", "0.2"]


def test_a_threshold_that_is_raised_above_the_balance_is_told_at_once(world: World) -> None:
    top_up(world, USD)
    world.update("root", low_balance_nano=2 * USD)
    assert [each["balance"] for each in events(world)] == ["1"]
    world.update("root", low_balance_nano=2 * USD, name="again")
    world.update("root", low_balance_nano=None)
    assert len(events(world)) == 1
    spend(world, USD)
    assert [each["balance"] for each in events(world)] == ["1", "0"], "without a threshold it is 0"


def test_a_first_top_up_below_the_threshold_is_low_from_the_start(world: World) -> None:
    top_up(world, 5 * CENT)
    assert [each["balance"] for each in events(world)] == ["0.05"]


def test_an_empty_wallet_is_exceeded_once_until_it_is_topped_up(world: World) -> None:
    top_up(world, 50 * CENT)
    for _ in range(2):
        assert isinstance(world.reserve("leaf", USD), BudgetExceeded)
    assert len(events(world, "budget.exceeded")) == 1
    top_up(world, USD)
    assert isinstance(world.reserve("leaf", 2 * USD), BudgetExceeded)
    assert len(events(world, "budget.exceeded")) == 2


def test_changes_to_a_budget_leave_its_wallet_alone(world: World) -> None:
    top_up(world, USD)
    spend(world, 10 * CENT)
    before = world.store.budgets["t/root"][0].wallet
    world.later(60)
    world.update("root", limits=(limit("COST", 5, "LIFETIME"),), amount_nano=7, warning_threshold_ppm=500_000)
    world.update("root", limits=(), recurrence=Recurrence.MONTHLY, timezone="Asia/Tokyo")
    world.update("root", put_limits=(limit("TOKENS", 5, "DAY"),))
    assert world.store.budgets["t/root"][0].wallet == before
    assert wallet(world) == (USD, 10 * CENT, 0, 0)
    # It is none of the things that creating a budget says of it.
    world.budget("leaf", None, "root")
    top_up(world, USD, budget="leaf")
    world.budget("leaf", None, "root")


def test_what_is_available_above_counts_for_what_is_below(world: World) -> None:
    world.update("leaf", amount_nano=5 * USD)
    top_up(world, 3 * USD)
    top_up(world, 4 * USD, budget="leaf")
    world.held("leaf", USD)
    budgets = [world.store.budgets[f"t/{each}"][0] for each in ("leaf", "root")]
    standings = [standing_of(each, world.store.windows, world.now_us) for each in budgets]
    assert [each.wallet and each.wallet.available for each in standings] == [3 * USD, 2 * USD]
    assert effective_available(standings) == 2 * USD
    # A reader whose clock is behind the ledger's sees the wallet all the same.
    behind = standing_of(budgets[1], world.store.windows, world.now_us - 5 * SECOND_US)
    assert behind.wallet is not None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["top up", "take back", "reserve", "settle", "release", "record", "wait", "forget"]),
        st.integers(1, 50),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_a_balance_is_what_was_paid_in_less_what_was_spent_whatever_happens(  # noqa: C901 - one case a step
    steps: list[tuple[str, int, int]],
) -> None:
    world, credit, spent, forced = World(), 0, 0, 0
    world.budget("root")
    world.budget("leaf", None, "root")
    held: list[tuple[Reservation, int]] = []
    top_up(world, 1)
    credit += 1
    for what, amount, pick in steps:
        reserved = sum(each for _, each in held)
        match what:
            case "top up":
                top_up(world, amount)
                credit += amount
            case "take back":
                if amount <= credit - spent - reserved:
                    top_up(world, -amount)
                    credit -= amount
                else:
                    with pytest.raises(Conflict):
                        top_up(world, -amount)
            case "reserve":
                answer = world.reserve("leaf", amount, ttl_seconds=60)
                assert isinstance(answer, Reservation) == (amount <= credit - spent - reserved)
                if isinstance(answer, Reservation):
                    held.append((answer, amount))
            case "settle" if held:
                hold, most = held.pop(pick % len(held))
                world.settled(hold, (usage(world.key()), cost(amount)))
                spent += amount
                forced += max(0, min(amount - most, spent + reserved - most - credit)) if amount > most else 0
            case "release" if held:
                world.release(held.pop(pick % len(held))[0])
            case "record":
                spend(world, amount)
                spent += amount
                forced += max(0, min(amount, spent + reserved - credit))
            case "wait":
                world.later(60)
                world.sweep()
                held.clear()
            case _:
                world.forget()
        assert wallet(world) == (credit, spent, sum(each for _, each in held), forced)
        assert credit == sum(each.amount_nano for each in world.store.credits)
