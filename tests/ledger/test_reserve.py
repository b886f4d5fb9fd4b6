"""Reservations: what is held, what is refused, what a repetition is answered."""

from typing import Any

import pytest

from ledger.commands import CloseBudget, LimitSpec, Record, RegisterAgent, Reserve
from ledger.errors import BudgetClosed, Conflict, InvalidInput, NotFound, OutOfRange
from ledger.holds import Decision, HoldState
from ledger.model import BudgetType
from ledger.results import BudgetExceeded, PriceUnknown, Reservation, Throttled
from tests.support.world import (
    CENT,
    DAY_US,
    NOON_US,
    SECOND_US,
    UNPRICED,
    USD,
    T,
    World,
    bound,
    cost,
    limit,
    usage,
)


@pytest.fixture
def world() -> World:
    """Four levels, the root limited to 1.00."""
    world = World()
    world.budget("root", USD)
    world.budget("project", None, "root")
    world.budget("task", None, "project")
    world.budget("leaf", None, "task")
    return world


def test_a_hold_is_on_every_window_of_the_path(world: World) -> None:
    held = world.held("leaf", 30 * CENT)
    assert held.amount_nano == held.remaining_nano == 30 * CENT
    assert held.state is HoldState.HELD
    assert held.decision is Decision.ALLOW
    for name in ("root", "project", "task", "leaf"):
        assert world.figures(name) == (0, 30 * CENT, 0)


def test_a_limit_of_one_admits_exactly_100_of_500_holds_of_a_cent(world: World) -> None:
    commands = [Reserve(T, None, f"c{i}", "a", "leaf", amount_nano=CENT) for i in range(500)]
    answers = world.tell(*commands)
    assert sum(isinstance(each, Reservation) for each in answers) == 100
    assert sum(isinstance(each, BudgetExceeded) for each in answers) == 400
    assert world.figures("root") == (0, USD, 0)


def test_litellm_34732_check_then_increment_cannot_overshoot_in_one_batch(world: World) -> None:
    world.tell(*(Reserve(T, None, f"c{i}", "a", "leaf", amount_nano=7 * CENT) for i in range(50)))
    assert world.figures("root")[1] == 98 * CENT


def test_litellm_40095_the_first_requests_of_a_new_user_are_limited(world: World) -> None:
    world.update("root", limits=(limit("REQUESTS", 2, "DAY", each="USER"),))
    commands = [Reserve(T, None, f"c{i}", "a", "leaf", amount_nano=0, user_id="new") for i in range(5)]
    answers = world.tell(*commands)
    assert sum(isinstance(each, Reservation) for each in answers) == 2
    assert isinstance(world.reserve("leaf", 0, user_id="other"), Reservation)


def test_a_child_cannot_hold_past_its_parent_and_nothing_is_held_then(world: World) -> None:
    refused = world.reserve("leaf", 2 * USD)
    assert isinstance(refused, BudgetExceeded)
    (violation,) = refused.violations
    assert violation.budget_id == "root"
    assert (violation.limit, violation.requested, violation.available) == (USD, 2 * USD, USD)
    assert violation.projected_total == 2 * USD
    assert "leaf" not in str(refused.message)
    world.held("leaf", USD)


def test_a_request_that_uses_a_limit_exactly_passes(world: World) -> None:
    world.held("leaf", USD)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)


def test_a_refusal_names_every_violated_limit(world: World) -> None:
    world.update("project", limits=(limit("REQUESTS", 0, "MINUTE"), limit("COST", 10 * CENT, "DAY")))
    refused = world.reserve("leaf", 2 * USD)
    assert isinstance(refused, BudgetExceeded)
    said = {each.message.partition(" (")[0] for each in refused.violations}
    assert said == {
        "Budget exceeded: $2 / $1 lifetime limit",
        "Daily cost quota exceeded: 0 / 0.1",
        "Rate limit exceeded: 0 req/min",
    }
    assert refused.detail


@pytest.mark.parametrize(
    ("spec", "said", "text"),
    [
        (limit("TOKENS", 100, "DAY"), {"prompt_tokens": 101}, "Daily token quota exceeded: 0 / 100"),
        (limit("COST", CENT, "DAY"), {"amount": 2 * CENT}, "Daily cost quota exceeded: 0 / 0.01"),
        (limit("REQUESTS", 0, "MINUTE"), {}, "Rate limit exceeded: 0 req/min"),
        (limit("LEVEL", 0, None, resource="agents"), {}, "Max concurrent agents reached: 0"),
        (limit("COST", CENT, "MONTH"), {"amount": 2 * CENT}, "Budget exceeded: $0.02 / $0.01 monthly limit"),
        (limit("TOKENS", 100, "REQUEST"), {"prompt_tokens": 101}, "Max context length exceeded: 101 / 100"),
        (limit("COST", CENT, "REQUEST"), {"amount": 2 * CENT}, "Cost of one request exceeded: $0.02 / $0.01"),
    ],
)
def test_refusals_begin_with_the_sources_texts(spec: LimitSpec, said: dict[str, Any], text: str) -> None:
    world = World()
    world.budget("b", None, limits=[spec])
    asked: dict[str, Any] = {"amount": 0, **said}
    refused = world.reserve("b", **asked)
    assert isinstance(refused, BudgetExceeded)
    assert refused.message.startswith(text)


def test_figures_above_the_keys_own_budget_are_redacted(world: World) -> None:
    refused = world.reserve("leaf", 2 * USD, scope_uid=f"{T}/task")
    assert isinstance(refused, BudgetExceeded)
    (violation,) = refused.violations
    assert violation.redacted
    assert violation.budget_id is None
    assert (violation.limit, violation.spent, violation.reserved, violation.available) == (0, 0, 0, 0)
    assert "root" not in refused.message
    assert refused.message.startswith("Budget exceeded")


def test_a_budget_outside_the_keys_subtree_or_unknown_is_not_found(world: World) -> None:
    for budget_id in ("root", "nowhere"):
        with pytest.raises(NotFound):
            world.reserve(budget_id, CENT, scope_uid=f"{T}/task")


def test_without_a_budget_the_agents_pays_else_the_keys_else_unattributed(world: World) -> None:
    world.one(RegisterAgent(T, None, "known", budget_id="task"))
    assert world.held(None, agent_id="known").budget_id == "task"
    assert world.held(None, agent_id="stranger", scope_uid=f"{T}/project").budget_id == "project"
    assert world.held(None, agent_id="stranger").budget_id == "unattributed"


def test_a_repeated_reserve_returns_the_reservation_as_it_now_is(world: World) -> None:
    first = world.held("leaf", 5 * CENT, "same")
    world.settled(first, (usage("o"), cost(2 * CENT)), final=False)
    again = world.reserve("leaf", 5 * CENT, "same")
    assert again.duplicate
    assert again.reservation_id == first.reservation_id
    assert again.remaining_nano == 3 * CENT
    assert world.figures("root") == (2 * CENT, 3 * CENT, 0)
    world.forget()
    assert world.reserve("leaf", 5 * CENT, "same") == again


def test_an_idempotency_key_with_other_content_is_a_conflict(world: World) -> None:
    world.held("leaf", 5 * CENT, "same")
    with pytest.raises(Conflict):
        world.reserve("leaf", 6 * CENT, "same")


def test_refusals_are_not_stored_under_their_key(world: World) -> None:
    taken = world.held("leaf", USD)
    assert isinstance(world.reserve("leaf", CENT, "later"), BudgetExceeded)
    world.release(taken)
    assert isinstance(world.reserve("leaf", CENT, "later"), Reservation)


def test_a_dry_run_answers_without_holding(world: World) -> None:
    said = world.reserve("leaf", 5 * CENT, "dry", dry_run=True)
    assert isinstance(said, Reservation)
    assert said.decision is Decision.ALLOW
    assert not world.store.holds
    assert isinstance(world.reserve("leaf", 2 * USD, dry_run=True), BudgetExceeded)
    assert not world.store.events
    assert world.store.commits == 4
    assert not world.held("leaf", 5 * CENT, "dry").duplicate


def test_a_dollar_that_nobody_can_bound_is_refused_where_cost_is_limited(world: World) -> None:
    refused = world.reserve("leaf", None, model_id="m", provider="p")
    assert refused == PriceUnknown("p", "m", "NO_BOUND")
    assert world.reserve("leaf", None, model_id="m", bound=bound(None, 10, "UNKNOWN_MODEL")) == PriceUnknown(
        None, "m", "UNKNOWN_MODEL"
    )
    world.budget("free")
    assert world.held("free", None, model_id="m").amount_nano == 0


def test_the_bound_is_held_where_no_amount_is_given(world: World) -> None:
    held = world.held("leaf", None, bound=bound(3 * CENT, 500))
    assert held.amount_nano == 3 * CENT


def test_litellm_one_call_without_max_tokens_holds_its_bound_not_all_that_is_left(world: World) -> None:
    first = world.held("leaf", None, bound=bound(16 * CENT, 16_384))
    second = world.held("leaf", None, bound=bound(16 * CENT, 16_384))
    assert first.amount_nano == second.amount_nano == 16 * CENT


def test_an_estimate_larger_than_what_is_left_is_refused_never_shrunk(world: World) -> None:
    world.held("leaf", 90 * CENT)
    assert isinstance(world.reserve("leaf", None, bound=bound(16 * CENT)), BudgetExceeded)
    assert world.figures("root")[1] == 90 * CENT


def test_a_closed_budget_and_one_outside_its_period_take_no_reservations(world: World) -> None:
    world.one(CloseBudget(T, None, "leaf"))
    with pytest.raises(BudgetClosed):
        world.reserve("leaf")
    world.budget("past", USD, period_start_us=0, period_end_us=NOON_US)
    with pytest.raises(BudgetClosed):
        world.reserve("past")


def test_open_holds_settle_on_a_closed_budget(world: World) -> None:
    held = world.held("leaf", 5 * CENT)
    world.one(CloseBudget(T, None, "leaf"))
    assert world.settled(held, (usage("o"), cost(4 * CENT))).charged_nano == 4 * CENT


def test_litellm_27639_leaked_holds_do_not_refuse_for_ever(world: World) -> None:
    world.held("leaf", USD, ttl_seconds=60)
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    world.later(60)
    assert isinstance(world.reserve("leaf", CENT), Reservation)
    assert world.figures("root") == (0, CENT, 0)


def test_expired_holds_are_swept(world: World) -> None:
    for _ in range(5):
        world.held("leaf", CENT, ttl_seconds=10)
    kept = world.held("leaf", CENT, ttl_seconds=100)
    world.later(10)
    world.forget()
    assert world.sweep() == 5
    assert world.sweep() == 0
    assert world.figures("root") == (0, CENT, 0)
    again = world.reserve("leaf", CENT, "k6", ttl_seconds=100)
    assert again.reservation_id == kept.reservation_id
    assert again.state is HoldState.HELD


def test_a_hold_expires_at_its_instant_not_later(world: World) -> None:
    held = world.held("leaf", USD, "x", ttl_seconds=10)
    world.later(9.999999)
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    world.later(0.000001)
    assert world.reserve("leaf", USD, "x", ttl_seconds=10).state is HoldState.EXPIRED
    assert held.expires_at_us == NOON_US + 10 * SECOND_US


def test_level_counts_what_is_held_at_once(world: World) -> None:
    world.update("project", limits=(limit("LEVEL", 2, resource="agents"),))
    first = world.held("leaf", 0)
    world.held("leaf", 0)
    refused = world.reserve("leaf", 0)
    assert isinstance(refused, BudgetExceeded)
    assert refused.message.startswith("Max concurrent agents reached: 2")
    world.release(first)
    assert isinstance(world.reserve("leaf", 0), Reservation)


def test_a_lease_of_another_resource_is_not_an_agent(world: World) -> None:
    world.update(
        "project", limits=(limit("LEVEL", 1, resource="agents"), limit("LEVEL", 8, resource="cpu_cores"))
    )
    world.held("leaf", 0, resource="cpu_cores", quantity=8)
    assert isinstance(world.reserve("leaf", 0, resource="cpu_cores", quantity=1), BudgetExceeded)
    world.held("leaf", 0)


def test_at_most_10_agents_a_user(world: World) -> None:
    world.update("root", limits=(limit("LEVEL", 10, resource="agents", each="USER"),))
    for _ in range(10):
        world.held("leaf", 0, user_id="u")
    assert isinstance(world.reserve("leaf", 0, user_id="u"), BudgetExceeded)
    world.held("leaf", 0, user_id="v")


def test_a_throttle_limit_sends_away_at_its_limit_and_a_hard_one_wins(world: World) -> None:
    world.update("leaf", limits=(limit("REQUESTS", 1, "MINUTE", "THROTTLE"),))
    held = world.held("leaf", CENT)
    assert held.delay_ms == 10_000, "it uses the limit up: whoever does waits longest"
    away = world.reserve("leaf", CENT)
    assert isinstance(away, Throttled)
    assert away.retry_after_ms == 60_000
    assert isinstance(world.reserve("leaf", 2 * USD), BudgetExceeded)
    world.later(60)
    assert isinstance(world.reserve("leaf", CENT), Reservation)


def test_a_soft_limit_warns_and_lets_pass(world: World) -> None:
    world.update("leaf", limits=(limit("COST", CENT, "DAY", "SOFT"),))
    held = world.held("leaf", 2 * CENT)
    assert held.decision is Decision.WARN
    assert [each.code for each in held.warnings] == ["SOFT_LIMIT"]


def test_a_reached_threshold_warns(world: World) -> None:
    world.record(usage("o", budget_id="leaf"), cost(80 * CENT))
    held = world.held("leaf", CENT)
    assert held.decision is Decision.WARN
    assert held.warnings[0].code == "BUDGET_WARNING"


def test_llm_and_api_requests_are_counted_apart(world: World) -> None:
    world.update(
        "root",
        limits=(
            limit("REQUESTS", 1, "MINUTE", resource="llm"),
            limit("REQUESTS", 2, "MINUTE", resource="api"),
        ),
    )
    world.held("leaf", 0, model_id="m")
    assert isinstance(world.reserve("leaf", 0, model_id="m"), BudgetExceeded)
    world.held("leaf", 0)
    world.held("leaf", 0)
    assert isinstance(world.reserve("leaf", 0), BudgetExceeded)


def test_budget_exceeded_is_emitted_once_at_the_first_refusal(world: World) -> None:
    world.held("leaf", USD)
    for _ in range(3):
        world.reserve("leaf", CENT)
    assert [each.type for each in world.store.events] == ["budget.exceeded"]
    world.forget()
    world.reserve("leaf", CENT)
    assert len(world.store.events) == 1


def test_scoped_budgets_refuse_and_are_charged_once(world: World) -> None:
    world.budget("user-u", 10 * CENT, "project", budget_type=BudgetType.USER, resource_id="u")
    world.held("leaf", 10 * CENT, user_id="u")
    assert isinstance(world.reserve("leaf", CENT, user_id="u"), BudgetExceeded)
    assert isinstance(world.reserve("leaf", CENT, user_id="v"), Reservation)
    assert world.figures("user-u") == (0, 10 * CENT, 0)


def test_a_team_is_matched_by_the_tags_that_a_hold_says_and_its_settlement_stays_there(world: World) -> None:
    world.budget("red", 10 * CENT, "project", budget_type=BudgetType.TEAM, resource_id="red")
    held = world.held("leaf", 10 * CENT, key="k", tags={"team": "red"})
    assert isinstance(world.reserve("leaf", CENT, tags={"team": "red"}), BudgetExceeded)
    assert isinstance(world.reserve("leaf", CENT, tags={"team": "blue"}), Reservation)
    with pytest.raises(Conflict):
        world.reserve("leaf", 10 * CENT, key="k", tags={"team": "blue"})
    world.settled(held, (usage("op", tags={"team": "blue"}), cost(3 * CENT)))
    assert world.figures("red") == (3 * CENT, 0, 0)


def test_a_call_of_no_tokens_passes_where_a_call_of_unknown_tokens_does_not(world: World) -> None:
    world.budget("tokens", None, limits=(limit("TOKENS", 5, "DAY"),))
    world.held("tokens", 0, prompt_tokens=5, max_completion_tokens=0)
    nothing: dict[str, Any] = {"model_id": "m", "prompt_tokens": 0, "max_completion_tokens": 0}
    assert isinstance(world.reserve("tokens", 0, **nothing), Reservation)
    assert isinstance(world.reserve("tokens", 0, model_id="m", prompt_tokens=0), BudgetExceeded)


def test_the_parent_operations_budget_pays_for_a_hold_that_names_none(world: World) -> None:
    world.budget("home")
    world.one(RegisterAgent(T, None, "a", budget_id="home"))
    world.one(Record(T, None, usage("boss", 1, budget_id="leaf"), cost(CENT)))
    world.held(None, 2 * CENT, parent_operation_id="boss")
    assert world.figures("leaf") == (CENT, 2 * CENT, 0)
    world.held(None, 3 * CENT, parent_operation_id="nobody")
    assert world.figures("home") == (0, 3 * CENT, 0), "an operation that nobody recorded pays nothing"
    world.held("root", 4 * CENT, parent_operation_id="boss")
    assert world.figures("leaf") == (CENT, 2 * CENT, 0), "what is named pays"


def test_a_window_that_is_over_makes_room(world: World) -> None:
    world.budget("daily", USD, recurrence="DAILY")
    world.held("daily", USD, ttl_seconds=86_400)
    assert isinstance(world.reserve("daily", CENT), BudgetExceeded)
    world.now_us = NOON_US + DAY_US // 2
    world.held("daily", USD)


def test_sums_past_64_bits_are_refused(world: World) -> None:
    world.budget("big")
    world.held("big", 2**62)
    with pytest.raises(OutOfRange):
        world.reserve("big", 2**62)


@pytest.mark.parametrize(
    "wrong",
    [{"ttl_seconds": 0}, {"amount": -1}, {"prompt_tokens": -1}, {"ttl_seconds": 86_401}, {"key": "\n"}],
)
def test_what_cannot_be_is_refused_before_the_lock(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        world.reserve("leaf", **wrong)


def test_a_failed_call_gives_back_its_request(world: World) -> None:
    world.update("leaf", limits=(limit("REQUESTS", 1, "DAY"),))
    world.release(world.held("leaf"))
    held = world.held("leaf")
    world.settled(held, (usage("o"), UNPRICED))
    assert isinstance(world.reserve("leaf"), BudgetExceeded)
