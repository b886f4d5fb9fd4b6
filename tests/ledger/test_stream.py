"""Streams: billed as they flow, whatever comes twice, late or in another order."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.access import Principal, Role
from ledger.commands import Stream
from ledger.errors import Conflict, InvalidInput, NotFound
from ledger.events import BUDGET_EXCEEDED, BUDGET_WARNING
from ledger.holds import Decision, HoldState
from ledger.model import EntryKind, Pricing
from ledger.reservations import stream_command
from ledger.results import InvalidUsage, OperationConflict, Reservation, Streamed, StreamShrank
from ledger.settling import FINAL_USAGE
from tests.support.shop import LISTS
from tests.support.world import CENT, USD, T, World, cost, limit, usage

PROMPT_NANO, COMPLETION_NANO = 2_500, 10_000
"""Of a token of gpt-4o."""


@pytest.fixture
def world() -> World:
    return streaming()


def streaming() -> World:
    world = World(lists=LISTS)
    world.budget("root", USD)
    world.budget("leaf", None, "root", limits=[limit("REQUESTS", 10, "DAY"), limit("TOKENS", 9_000, "DAY")])
    return world


def command(held: Reservation, scope_uid: str | None = None, **said: Any) -> Stream:
    principal = Principal("key", T, Role.RECORDER, scope_uid)
    words = {"reservation_id": held.reservation_id, "model": "gpt-4o", "provider": "openai", **said}
    made = stream_command(principal, words)
    assert isinstance(made, Stream), made
    return made


def chunk(world: World, held: Reservation, **said: Any) -> Any:
    return world.one(command(held, **said))


def streamed(world: World, held: Reservation, **said: Any) -> Streamed:
    answer = chunk(world, held, **said)
    assert isinstance(answer, Streamed), answer
    return answer


def of_tokens(prompt: int, completion: int) -> int:
    return prompt * PROMPT_NANO + completion * COMPLETION_NANO


def kinds(world: World) -> list[EntryKind]:
    return [each.entry.kind for each in world.store.entries]


def test_the_first_chunk_is_billed_with_the_prompt_and_the_next_ones_by_what_they_add(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, max_completion_tokens=900)
    first = streamed(world, held, total_tokens=10)
    assert (first.charged_nano, first.total_tokens) == (of_tokens(100, 10), 10)
    assert (first.decision, first.pricing, first.duplicate) == (Decision.ALLOW, Pricing.PRICED, False)
    more = streamed(world, held, total_tokens=25)
    assert (more.charged_nano, more.total_tokens) == (of_tokens(0, 15), 25)
    assert more.reservation.remaining_nano == 10 * CENT - of_tokens(100, 25)
    assert kinds(world) == [EntryKind.USAGE, EntryKind.CONTINUATION]
    assert world.figures("root") == (of_tokens(100, 25), 10 * CENT - of_tokens(100, 25), 0)
    assert world.figures("leaf", "TOKENS/DAY") == (125, 875, 0)
    assert world.figures("leaf", "REQUESTS/DAY") == (1, 0, 0)


def test_what_a_chunk_adds_is_added_each_time_unless_it_is_numbered(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    for _ in range(2):
        streamed(world, held, token_count=5)
    assert streamed(world, held, token_count=5, chunk=3).total_tokens == 15
    again = streamed(world, held, token_count=5, chunk=3)
    assert (again.total_tokens, again.duplicate, again.charged_nano) == (15, True, 0)
    assert streamed(world, held, token_count=5, chunk=1).total_tokens == 20
    assert world.figures("root")[0] == of_tokens(100, 20)


def test_the_total_wins_over_what_the_chunk_adds(world: World) -> None:
    held = world.held("leaf", 10 * CENT)
    assert streamed(world, held, token_count=7, total_tokens=40).total_tokens == 40


def test_a_total_that_comes_again_changes_nothing_and_one_that_shrinks_says_where_it_stands(
    world: World,
) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    streamed(world, held, total_tokens=30)
    commits = world.store.commits
    again = streamed(world, held, total_tokens=30)
    assert (again.duplicate, again.charged_nano, again.total_tokens) == (True, 0, 30)
    late = chunk(world, held, total_tokens=20)
    assert isinstance(late, StreamShrank)
    assert (late.standing.total_tokens, late.standing.decision) == (30, Decision.ALLOW)
    assert world.store.commits == commits
    assert world.figures("root")[0] == of_tokens(100, 30)


def test_litellm_37992_an_explicit_zero_is_zero_and_no_estimate(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    assert streamed(world, held, total_tokens=0).charged_nano == of_tokens(100, 0)
    end = streamed(world, held, usage={"prompt_tokens": 0, "completion_tokens": 0})
    assert end.charged_nano == -of_tokens(100, 0)
    assert world.figures("root") == (0, 0, 0)


def test_a_chunk_without_counts_only_asks(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    asked = streamed(world, held)
    assert (asked.decision, asked.charged_nano, asked.total_tokens, asked.pricing) == (
        Decision.ALLOW, 0, 0, None,
    )  # fmt: skip
    assert world.store.usages == {}


@pytest.mark.parametrize("completion", [70, 130])
def test_the_final_usage_replaces_the_count_both_ways(world: World, completion: int) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, max_completion_tokens=900)
    for total in range(10, 101, 10):
        streamed(world, held, total_tokens=total)
    world.forget()
    end = streamed(world, held, usage={"prompt_tokens": 90, "completion_tokens": completion})
    exact = of_tokens(90, completion)
    assert end.charged_nano == exact - of_tokens(100, 100)
    assert end.reservation.state is HoldState.SETTLED
    assert world.figures("root") == (exact, 0, 0)
    assert world.figures("leaf", "TOKENS/DAY") == (90 + completion, 0, 0)
    last = world.store.entries[-1].entry
    if completion < 100:
        first = world.store.entries[0].entry
        assert (last.kind, last.adjusts, last.price_source) == (EntryKind.ADJUSTMENT, first.uid, FINAL_USAGE)
        assert last.reason
    else:
        assert last.kind is EntryKind.CONTINUATION
    assert (last.prompt_tokens, last.completion_tokens) == (-10, completion - 100)


def test_the_final_usage_may_say_what_was_cached_and_how_it_was_processed(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    streamed(world, held, total_tokens=50)
    said = {
        "provider_family": "openai_chat",
        "provider_usage": {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "prompt_tokens_details": {"cached_tokens": 40},
        },
    }
    streamed(world, held, usage=said)
    assert world.figures("root") == (60 * PROMPT_NANO + 40 * PROMPT_NANO // 2 + 60 * COMPLETION_NANO, 0, 0)


def test_a_final_usage_without_a_prompt_has_the_one_that_was_reserved(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    streamed(world, held, usage={"completion_tokens": 60})
    assert world.figures("root") == (of_tokens(100, 60), 0, 0)


def test_after_its_end_nothing_is_counted_and_another_end_is_a_conflict(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    streamed(world, held, total_tokens=100)
    said = {"usage": {"completion_tokens": 70}}
    streamed(world, held, **said)
    commits = world.store.commits
    for late in ({"total_tokens": 90}, {"token_count": 5, "chunk": 9}, {"token_count": 5}, {}, said):
        after = streamed(world, held, **late)
        assert (after.duplicate, after.charged_nano, after.total_tokens) == (True, 0, 70), late
        assert after.decision is Decision.DENY
    assert isinstance(chunk(world, held, usage={"completion_tokens": 71}), OperationConflict)
    assert world.store.commits == commits
    assert world.figures("root") == (of_tokens(100, 70), 0, 0)


def test_a_stream_may_end_as_it_was_counted(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    streamed(world, held, total_tokens=50)
    end = streamed(world, held, final=True)
    assert (end.reservation.state, end.charged_nano) == (HoldState.SETTLED, 0)
    assert streamed(world, held, total_tokens=60).total_tokens == 50
    other = world.held("leaf", 10 * CENT, prompt_tokens=100)
    assert streamed(world, other, total_tokens=10, final=True).charged_nano == of_tokens(100, 10)
    silent = world.held("leaf", 10 * CENT, prompt_tokens=100)
    assert streamed(world, silent, final=True).reservation.state is HoldState.SETTLED
    assert world.figures("root") == (of_tokens(200, 60), 0, 0)


def test_bifrost_3357_who_vanishes_is_billed_for_what_was_reported_and_the_hold_expires(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, ttl_seconds=60)
    streamed(world, held, total_tokens=50)
    world.later(61)
    world.sweep()
    assert world.figures("root") == (of_tokens(100, 50), 0, 0)
    late = streamed(world, held, total_tokens=60)
    assert (late.late, late.charged_nano, late.decision) == (True, of_tokens(0, 10), Decision.DENY)
    assert world.figures("root") == (of_tokens(100, 60), 0, 0)


def test_a_stream_that_reports_keeps_its_hold(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, ttl_seconds=60)
    for minute in range(5):
        world.later(50)
        said = {"total_tokens": 10 * minute} if minute % 2 else {}
        assert streamed(world, held, **said).reservation.state is HoldState.HELD
    world.later(61)
    assert streamed(world, held).reservation.state is HoldState.EXPIRED


def test_past_the_end_of_its_window_only_an_extend_keeps_it(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, ttl_seconds=60)
    world.later(12 * 3600 - 30)
    held = world.held("leaf", 10 * CENT, prompt_tokens=100, ttl_seconds=60)
    world.later(40)
    streamed(world, held, total_tokens=10)
    world.later(30)
    assert streamed(world, held, total_tokens=20).late
    assert world.figures("leaf", "TOKENS/DAY")[0] == 120


def test_stop_comes_with_the_chunk_that_leaves_nothing(world: World) -> None:
    world.budget("small", of_tokens(0, 100))
    held = world.held("small", of_tokens(0, 40))
    other = world.held("small", of_tokens(0, 50))
    decisions = [streamed(world, held, total_tokens=total).decision for total in range(10, 71, 10)]
    # 40 are its own, 10 are free, 50 are held for the other one.
    assert decisions[:4] == [Decision.ALLOW] * 4
    assert decisions[4:] == [Decision.DENY] * 3
    assert streamed(world, other, total_tokens=10).decision is Decision.DENY, "its money is spent"
    assert world.figures("small")[2] == of_tokens(0, 20)


def test_an_upper_bound_that_is_held_is_never_stopped_by_others(world: World) -> None:
    world.budget("small", of_tokens(0, 100))
    held = world.held("small", of_tokens(0, 60))
    world.held("small", of_tokens(0, 40))
    decisions = [streamed(world, held, total_tokens=total).decision for total in range(10, 61, 10)]
    assert decisions == [Decision.ALLOW] * 5 + [Decision.DENY]
    assert world.figures("small")[2] == 0


def test_what_a_limit_allows_by_now_is_what_counts(world: World) -> None:
    world.budget("small", of_tokens(0, 50))
    held = world.held("small", of_tokens(0, 50))
    assert streamed(world, held, total_tokens=50).decision is Decision.DENY
    world.update("small", amount_nano=of_tokens(0, 100))
    assert streamed(world, held).decision is not Decision.DENY


def test_a_limit_that_delays_slows_a_stream_down(world: World) -> None:
    world.budget("slow", None, limits=[limit("TOKENS", 100, "LIFETIME", "THROTTLE")])
    held = world.held("slow", 0)
    assert streamed(world, held, total_tokens=50).decision is Decision.ALLOW
    slower = streamed(world, held, total_tokens=95)
    assert (slower.decision, slower.delay_ms > 0) == (Decision.THROTTLE, True)


def test_thresholds_are_told_as_a_stream_crosses_them_each_once(world: World) -> None:
    world.budget("small", of_tokens(0, 100))
    held = world.held("small", 0)
    for total in range(10, 121, 10):
        streamed(world, held, total_tokens=total)
        streamed(world, held, total_tokens=total)
    told = [each.type for each in world.store.events]
    assert told == [BUDGET_WARNING, BUDGET_EXCEEDED]


def test_an_operation_of_somebody_else_is_no_stream(world: World) -> None:
    world.record(usage("mine", 10, 5, budget_id="leaf"), cost(CENT))
    held = world.held("leaf", 10 * CENT)
    assert isinstance(chunk(world, held, total_tokens=5, operation_id="mine"), OperationConflict)
    streamed(world, held, total_tokens=5, operation_id="own")
    assert streamed(world, held, total_tokens=9).operation_id == "own"
    with pytest.raises(Conflict):
        chunk(world, held, total_tokens=9, operation_id="other")
    assert isinstance(chunk(world, held, total_tokens=19, model="gpt-4o-mini"), OperationConflict)
    assert world.figures("root")[0] == CENT + of_tokens(0, 9)


def test_a_reservation_outside_of_the_subtree_is_unknown(world: World) -> None:
    world.budget("other", USD)
    held = world.held("leaf", 10 * CENT)
    with pytest.raises(NotFound):
        chunk(world, held, scope_uid=f"{T}/other", total_tokens=5)


@pytest.mark.parametrize(
    "said",
    [
        {"token_count": -1},
        {"total_tokens": -1},
        {"total_tokens": 1.5},
        {"chunk": -1},
        {"usage": {}},
        {"usage": {"agent_id": "b", "completion_tokens": 1}},
        {"model": ""},
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_decided(world: World, said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        command(world.held("leaf", CENT), **said)


def test_counts_past_all_bounds_are_refused_and_change_nothing(world: World) -> None:
    held = world.held("leaf", CENT)
    streamed(world, held, total_tokens=10)
    assert isinstance(chunk(world, held, token_count=10**15), InvalidUsage)
    assert world.figures("root")[0] == of_tokens(0, 10)


def test_a_model_without_a_price_settles_what_was_held_at_the_end(world: World) -> None:
    held = world.held("leaf", 10 * CENT, prompt_tokens=100)
    said = {"model": "nobody-knows", "provider": "nobody"}
    assert streamed(world, held, total_tokens=10, **said).pricing is Pricing.UNPRICED
    assert streamed(world, held, total_tokens=20, **said).charged_nano == 0
    world.forget()
    end = streamed(world, held, usage={"completion_tokens": 15}, **said)
    assert (end.pricing, end.charged_nano) == (Pricing.ESTIMATED, 10 * CENT)
    assert world.figures("leaf", "TOKENS/DAY") == (115, 0, 0)


CHUNKS = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(sizes=CHUNKS, numbered=st.booleans(), end=st.none() | st.integers(0, 600), data=st.data())
def test_repeats_and_reordered_chunks_change_nothing(
    sizes: list[int], numbered: bool, end: int | None, data: st.DataObject
) -> None:
    """Whatever the network does to the chunks, the sum is that of those that arrived."""
    world = streaming()
    held = world.held("leaf", 5 * CENT, prompt_tokens=100, max_completion_tokens=600)
    totals = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    delivered = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=40))
    seen: set[int] = set()
    while delivered:
        batch = [delivered.pop() for _ in range(min(len(delivered), data.draw(st.integers(1, 4))))]
        if data.draw(st.booleans()):
            world.forget()
        said: list[dict[str, Any]] = [
            {"token_count": sizes[each], "chunk": each} if numbered else {"total_tokens": totals[each]}
            for each in batch
        ]
        answers = world.tell(*(command(held, **each) for each in said))
        seen.update(batch)
        count = sum(sizes[each] for each in seen) if numbered else max(totals[each] for each in seen)
        last = answers[-1]
        standing = last.standing if isinstance(last, StreamShrank) else last
        assert isinstance(standing, Streamed)
        assert standing.total_tokens == count
        assert world.figures("root")[0] == of_tokens(100, count)
    if end is not None:
        for _ in range(2):
            streamed(world, held, usage={"completion_tokens": end})
        for each in range(len(sizes)):
            streamed(world, held, total_tokens=totals[each])
        assert world.figures("root") == (of_tokens(100, end), 0, 0)
        assert world.figures("leaf", "TOKENS/DAY") == (100 + end, 0, 0)
