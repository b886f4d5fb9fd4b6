"""Settlements: what is charged where, what is given back, how an operation grows."""

import pytest

from ledger.commands import MoveBudget, Settle, UpdateBudget
from ledger.errors import InvalidInput, NotFound
from ledger.holds import Decision, HoldState
from ledger.model import EntryKind, Pricing
from ledger.results import InvalidUsage, OperationConflict, RecordedUsage, Reservation, Settled
from tests.support.world import CENT, NOON_US, UNPRICED, USD, T, World, cost, limit, usage


@pytest.fixture
def world() -> World:
    world = World()
    world.budget("root", USD)
    world.budget("leaf", None, "root", limits=[limit("REQUESTS", 10, "DAY"), limit("TOKENS", 1000, "DAY")])
    return world


def test_a_final_settle_charges_and_gives_back_the_rest(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, max_completion_tokens=100)
    assert world.figures("leaf", "TOKENS/DAY") == (0, 200, 0)
    answer = world.settled(held, (usage("o", 100, 20), cost(4 * CENT)))
    assert (answer.charged_nano, answer.overrun_nano, answer.late) == (4 * CENT, 0, False)
    assert answer.reservation.state is HoldState.SETTLED
    assert world.figures("root") == (4 * CENT, 0, 0)
    assert world.figures("leaf", "TOKENS/DAY") == (120, 0, 0)
    assert world.figures("leaf", "REQUESTS/DAY") == (1, 0, 0)


def test_a_partial_settle_keeps_the_rest(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(held, (usage("o"), cost(4 * CENT)), final=False)
    assert answer.reservation.state is HoldState.HELD
    assert answer.reservation.remaining_nano == 6 * CENT
    assert world.figures("root") == (4 * CENT, 6 * CENT, 0)
    assert world.release(held).state is HoldState.RELEASED
    assert world.figures("root") == (4 * CENT, 0, 0)


def test_a_growing_operation_is_charged_the_difference_and_counts_once(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o", 10, 1), cost(1 * CENT)), final=False)
    more = world.settled(held, (usage("o", 10, 5), cost(3 * CENT)), final=False)
    assert more.charged_nano == 2 * CENT
    (result,) = more.results
    assert isinstance(result, RecordedUsage)
    assert result.cost_entry is not None
    assert result.cost_entry.kind is EntryKind.CONTINUATION
    assert (result.cost_entry.operations, result.cost_entry.completion_tokens) == (0, 4)
    last = world.settled(held, (usage("o", 10, 9), cost(5 * CENT)))
    assert last.charged_nano == 2 * CENT
    assert world.figures("root") == (5 * CENT, 0, 0)
    assert world.figures("leaf", "REQUESTS/DAY")[0] == 1
    assert world.figures("leaf", "TOKENS/DAY")[0] == 19


@pytest.mark.parametrize("prompt", [10, 9])
def test_equal_or_lower_counts_are_a_duplicate(world: World, prompt: int) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o", 10, 5), cost(3 * CENT)), final=False)
    world.forget()
    again = world.settled(held, (usage("o", prompt, 5), cost(3 * CENT)), final=False)
    assert again.charged_nano == 0
    assert isinstance(again.results[0], RecordedUsage)
    assert again.results[0].duplicate
    assert world.figures("root") == (3 * CENT, 7 * CENT, 0)


def test_counts_that_grow_and_shrink_at_once_are_a_conflict(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o", 10, 5), cost(3 * CENT)), final=False)
    assert isinstance(world.settle(held, (usage("o", 9, 6), cost(3 * CENT))), OperationConflict)
    assert world.figures("root") == (3 * CENT, 7 * CENT, 0)


def test_an_operation_grows_across_processes_and_in_one_batch(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.tell(
        Settle(T, None, held.reservation_id, ((usage("o", 1), cost(CENT)),), final=False),
        Settle(T, None, held.reservation_id, ((usage("o", 2), cost(2 * CENT)),), final=False),
    )
    world.forget()
    world.settled(held, (usage("o", 3), cost(3 * CENT)), (usage("o", 4), cost(4 * CENT)))
    assert world.figures("root") == (4 * CENT, 0, 0)
    assert world.figures("leaf", "REQUESTS/DAY")[0] == 1


def test_langfuse_14808_a_record_and_a_settle_of_one_operation_charge_once(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.record(usage("o", 10, 5, budget_id="leaf"), cost(3 * CENT))
    answer = world.settled(held, (usage("o", 10, 5), cost(3 * CENT)))
    assert answer.charged_nano == 0
    assert answer.reservation.state is HoldState.SETTLED
    assert world.figures("root") == (3 * CENT, 0, 0)
    again = world.record(usage("o", 10, 5, budget_id="leaf"), cost(3 * CENT))
    assert again.duplicate


def test_a_record_after_a_settle_is_a_duplicate(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o", 10, 5), cost(3 * CENT)))
    assert world.record(usage("o", 10, 5), cost(3 * CENT)).duplicate
    assert isinstance(world.record(usage("o", 10, 6), cost(3 * CENT)), OperationConflict)


def test_lago_4725_a_repeated_settle_charges_nothing_and_answers_the_same(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    said = usage("o", 10, 5), cost(4 * CENT)
    first = world.settled(held, said)
    for _ in range(25):
        again = world.settled(held, said)
        assert (again.charged_nano, again.overrun_nano) == (first.charged_nano, 0)
        assert again.results[0] == first.results[0] or isinstance(again.results[0], RecordedUsage)
        assert again.reservation.duplicate
    assert world.figures("root") == (4 * CENT, 0, 0)


def test_an_overrun_is_charged_and_what_passes_the_limit_is_forced(world: World) -> None:
    held = world.held("leaf", 90 * CENT)
    answer = world.settled(held, (usage("o"), cost(130 * CENT)))
    assert (answer.charged_nano, answer.overrun_nano) == (130 * CENT, 40 * CENT)
    assert world.figures("root") == (130 * CENT, 0, 30 * CENT)
    assert answer.decision is Decision.DENY


def test_an_overrun_within_the_limit_is_not_forced(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o"), cost(30 * CENT)))
    assert world.figures("root") == (30 * CENT, 0, 0)


def test_a_settle_charges_the_windows_of_its_hold_whatever_the_clock_says(world: World) -> None:
    world.budget("daily", USD, recurrence="DAILY")
    held = world.held("daily", 10 * CENT, ttl_seconds=86_400)
    first = world.window("daily").uid
    world.later(13 * 3600)
    world.held("daily", CENT)
    assert world.window("daily").uid != first
    world.settled(held, (usage("o"), cost(8 * CENT)))
    assert world.store.windows[first].spent == 8 * CENT
    assert world.window("daily").spent == 0


def test_a_settle_after_expiry_is_charged_and_says_late(world: World) -> None:
    held = world.held("leaf", USD, ttl_seconds=10)
    world.later(11)
    world.held("leaf", 50 * CENT)
    answer = world.settled(held, (usage("o"), cost(70 * CENT)))
    assert answer.late
    assert "LATE" in {each.code for each in answer.warnings}
    assert world.figures("root") == (70 * CENT, 50 * CENT, 20 * CENT)
    assert answer.reservation.state is HoldState.SETTLED


def test_a_settle_after_a_release_is_charged_all_the_same(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.release(held)
    answer = world.settled(held, (usage("o"), cost(CENT)))
    assert answer.late
    assert world.figures("root") == (CENT, 0, 0)


def test_litellm_35525_an_unpriced_success_charges_what_is_held_as_estimated(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(held, (usage("o", 10, 5), UNPRICED))
    (result,) = answer.results
    assert isinstance(result, RecordedUsage)
    assert result.pricing is Pricing.ESTIMATED
    assert answer.charged_nano == 10 * CENT
    assert world.figures("root") == (10 * CENT, 0, 0)
    assert world.settled(held, (usage("o", 10, 5), UNPRICED)).charged_nano == 10 * CENT
    assert world.figures("root") == (10 * CENT, 0, 0)


def test_what_is_held_is_divided_among_usages_without_a_price(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(
        held, (usage("a", 30), UNPRICED), (usage("b", 10), UNPRICED), (usage("c", 1), cost(2 * CENT))
    )
    charged = [
        each.cost_entry.total_cost_nano
        for each in answer.results
        if isinstance(each, RecordedUsage) and each.cost_entry
    ]
    assert charged == [6 * CENT, 2 * CENT, 2 * CENT]


def test_a_partial_settle_without_a_price_waits_for_one(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(held, (usage("o", 10, 5), UNPRICED), final=False)
    assert isinstance(answer.results[0], RecordedUsage)
    assert answer.results[0].pricing is Pricing.UNPRICED
    world.forget()
    world.settled(held, (usage("o", 10, 7), UNPRICED), final=False)
    assert world.figures("leaf", "TOKENS/DAY")[0] == 17
    world.forget()
    priced = world.settled(held, (usage("o", 10, 7), cost(3 * CENT)))
    assert isinstance(priced.results[0], RecordedUsage)
    assert priced.results[0].pricing is Pricing.PRICED
    assert world.figures("root") == (3 * CENT, 0, 0)
    assert world.figures("leaf", "REQUESTS/DAY")[0] == 1


def test_litellm_37992_an_explicit_zero_is_zero(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(held, (usage("o", 10, 5, provider_cost="0"), cost(0)))
    assert answer.charged_nano == 0
    assert world.figures("root") == (0, 0, 0)


def test_litellm_14457_a_disconnected_stream_keeps_what_flowed(world: World) -> None:
    held = world.held("leaf", 10 * CENT, ttl_seconds=60)
    for step in range(1, 4):
        world.settled(held, (usage("o", 0, step), cost(step * CENT)), final=False)
    world.later(61)
    world.forget()
    world.sweep()
    assert world.figures("root") == (3 * CENT, 0, 0)


def test_bifrost_3357_a_stream_in_pieces_costs_what_the_whole_costs(world: World) -> None:
    held = world.held("leaf", USD)
    for step in range(1, 101):
        world.settled(held, (usage("o", 0, step), cost(step * CENT // 3)), final=False)
    assert world.figures("root")[0] == 100 * CENT // 3


def test_a_lease_settles_many_usages_at_once(world: World) -> None:
    held = world.held("root", USD, requests=50)
    usages = tuple((usage(f"o{i}", 1), cost(CENT)) for i in range(50))
    answer = world.settled(held, *usages, final=False)
    assert answer.charged_nano == 50 * CENT
    assert world.figures("root") == (50 * CENT, 50 * CENT, 0)
    assert (
        len(
            {
                each.cost_entry.seq
                for each in answer.results
                if isinstance(each, RecordedUsage) and each.cost_entry
            }
        )
        == 50
    )


def test_at_most_1000_usages_at_a_time(world: World) -> None:
    held = world.held("leaf")
    said = usage("o"), cost(0)
    with pytest.raises(InvalidInput):
        world.settle(held, *[said] * 1001)


def test_a_usage_that_cannot_be_charged_fails_alone(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    answer = world.settled(
        held, (usage("a", agent_id="other"), cost(CENT)), (usage("b"), cost(CENT)), final=False
    )
    assert isinstance(answer.results[0], InvalidUsage)
    assert answer.charged_nano == CENT


def test_the_reservations_agent_and_budget_win_and_disagreement_is_an_error(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    other_agent = world.settle(held, (usage("a", agent_id="other"), cost(CENT)))
    assert isinstance(other_agent, InvalidUsage)
    assert other_agent.field == "agent_id"
    other_budget = world.settle(held, (usage("a", budget_id="root"), cost(CENT)))
    assert isinstance(other_budget, InvalidUsage)
    assert other_budget.field == "budget_id"
    assert world.figures("root") == (0, 10 * CENT, 0)
    assert isinstance(world.settle(held, (usage("a", budget_id="leaf"), cost(CENT))), Settled)


def test_an_operation_id_of_other_content_is_a_conflict_and_keeps_the_hold(world: World) -> None:
    world.record(usage("o", 10), cost(CENT))
    held = world.held("leaf", 10 * CENT)
    assert isinstance(world.settle(held, (usage("o", 10, model_id="n"), cost(CENT))), OperationConflict)
    assert world.figures("root") == (0, 10 * CENT, 0)


def test_a_reservation_that_the_key_may_not_see_is_not_found(world: World) -> None:
    world.budget("other")
    held = world.held("leaf")
    with pytest.raises(NotFound):
        world.settle(held, scope=f"{T}/other")
    with pytest.raises(NotFound):
        world.settle("nothing")


def test_open_holds_settle_on_the_path_that_they_were_made_on(world: World) -> None:
    world.budget("elsewhere", USD)
    held = world.held("leaf", 10 * CENT)
    world.one(MoveBudget(T, None, "leaf", "elsewhere"))
    world.forget()
    world.settled(held, (usage("o"), cost(8 * CENT)))
    assert world.figures("root") == (8 * CENT, 0, 0)
    world.held("leaf", 5 * CENT)
    assert world.figures("elsewhere") == (0, 5 * CENT, 0)


def test_a_limit_added_in_mid_window_starts_with_its_true_spend_and_holds(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.settled(held, (usage("o"), cost(4 * CENT)), final=False)
    world.one(UpdateBudget(T, None, "root", {"limits": (limit("COST", USD, "DAY"),)}))
    assert world.figures("root", "COST/DAY") == (4 * CENT, 6 * CENT, 0)
    world.settled(held, (usage("o2"), cost(5 * CENT)))
    assert world.figures("root", "COST/DAY") == (9 * CENT, 0, 0)
    assert world.figures("root") == (9 * CENT, 0, 0)


def test_a_limit_per_user_added_in_mid_window_starts_with_each_ones_spend(world: World) -> None:
    world.record(usage("o1", budget_id="leaf", user_id="u"), cost(4 * CENT))
    world.record(usage("o2", budget_id="leaf", user_id="v"), cost(5 * CENT))
    held = world.held("leaf", 3 * CENT, user_id="u")
    world.update("root", limits=(limit("COST", 20 * CENT, "DAY", each="USER"),))
    world.held("leaf", 3 * CENT, user_id="u")
    assert world.figures("root", "COST/DAY//USER", "u") == (4 * CENT, 6 * CENT, 0)
    world.settled(held, (usage("o3"), cost(2 * CENT)))
    assert world.figures("root", "COST/DAY//USER", "u") == (6 * CENT, 3 * CENT, 0)
    assert not isinstance(world.reserve("leaf", 12 * CENT, user_id="u"), Reservation)
    world.held("leaf", 12 * CENT, user_id="v")


def test_a_limit_that_was_removed_and_comes_back_is_counted_anew(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.update("leaf", limits=())
    world.settled(held, (usage("o", 7), cost(4 * CENT)))
    world.held("leaf", CENT, prompt_tokens=5)
    world.update("leaf", limits=(limit("TOKENS", 1000, "DAY"),))
    assert world.figures("leaf", "TOKENS/DAY") == (7, 5, 0)


def test_a_settle_without_usage_gives_everything_back(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    assert world.settled(held).reservation.state is HoldState.SETTLED
    assert world.figures("root") == (0, 0, 0)


def test_usage_is_placed_at_its_own_time_and_charged_at_its_holds(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    world.later(30)
    at = "2026-10-01T12:00:20Z"
    world.settled(held, (usage("o", timestamp=at), cost(CENT)))
    stored = world.store.usages[f"{T}/o"].operation
    assert stored.timestamp_us == NOON_US + 20_000_000
    assert stored.charged_at_us == NOON_US
    assert stored.reservation_id == held.reservation_id
