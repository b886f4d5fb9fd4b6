"""Overrides: what is refused passes, exactly up to what was granted, and the books remember it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import CloseBudget, Reserve
from ledger.errors import BudgetClosed, Conflict, InvalidInput, NotFound, OutOfRange
from ledger.events import BUDGET_EXCEEDED, BUDGET_OVERRIDDEN
from ledger.holds import Decision, HoldState
from ledger.model import BudgetType, Override, OverrideState
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.overrides import OVERRIDDEN
from ledger.results import BudgetExceeded, Reservation, Throttled
from pricing.money import NANO_MAX
from tests.ledger.test_stream import streamed
from tests.support.books import check_books
from tests.support.shop import LISTS
from tests.support.world import CENT, SECOND_US, USD, T, World, cost, limit, usage

HOUR_SECONDS = 3_600


@pytest.fixture
def world() -> World:
    """A dollar for the root, and nothing left of it."""
    world = World(lists=LISTS)
    world.budget("root", USD)
    world.budget("leaf", None, "root")
    world.record(usage("before", budget_id="leaf"), cost(USD))
    return world


def granting(world: World, budget: str = "leaf", amount: int = 10 * CENT, **said: Any) -> CreateOverride:
    scope, seconds = said.pop("scope", None), said.pop("seconds", HOUR_SECONDS)
    return CreateOverride(
        T,
        None if scope is None else f"{T}/{scope}",
        said.pop("key", None) or world.key(),
        budget,
        amount,
        said.pop("reason", "an incident"),
        world.now_us + seconds * SECOND_US,
        author="an-operator",
        **said,
    )


def granted(world: World, budget: str = "leaf", amount: int = 10 * CENT, **said: Any) -> Override:
    return world.one(granting(world, budget, amount, **said))


def state_of(world: World, override: Override) -> tuple[int, OverrideState]:
    """What is used, and where it is in its life."""
    now = world.store.overrides[override.uid]
    return now.used_nano, now.state_at(world.now_us)


def test_what_is_refused_passes_up_to_the_amount_and_no_further(world: World) -> None:
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    override = granted(world)
    first = world.held("leaf", 6 * CENT)
    assert (first.override_id, first.decision) == (override.override_id, Decision.WARN)
    assert OVERRIDDEN in {each.code for each in first.warnings}
    assert isinstance(world.reserve("leaf", 5 * CENT), BudgetExceeded), "all or nothing"
    world.held("leaf", 4 * CENT)
    assert state_of(world, override) == (10 * CENT, OverrideState.USED)
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)
    assert world.figures("root") == (USD, 10 * CENT, 0)


def test_what_is_not_spent_comes_back_and_what_is_spent_is_forced(world: World) -> None:
    override = granted(world)
    held = world.held("leaf", 8 * CENT)
    world.forget()
    world.settled(held, (usage("o", 1), cost(2 * CENT)), final=False)
    assert world.figures("root") == (USD + 2 * CENT, 6 * CENT, 2 * CENT)
    world.settled(held, (usage("p", 1), cost(3 * CENT)))
    assert world.figures("root") == (USD + 5 * CENT, 0, 5 * CENT)
    assert state_of(world, override) == (5 * CENT, OverrideState.ACTIVE)
    released = world.held("leaf", 5 * CENT)
    assert state_of(world, override)[1] is OverrideState.USED
    world.release(released)
    assert state_of(world, override) == (5 * CENT, OverrideState.ACTIVE)


def test_what_was_spent_beyond_the_hold_takes_no_more_of_it(world: World) -> None:
    override = granted(world)
    held = world.held("leaf", 4 * CENT)
    world.settled(held, (usage("o", 1), cost(9 * CENT)))
    assert state_of(world, override)[0] == 4 * CENT
    assert world.figures("root") == (USD + 9 * CENT, 0, 9 * CENT)


def test_a_hold_that_expires_gives_back_what_it_had_of_it(world: World) -> None:
    override = granted(world)
    held = world.held("leaf", 10 * CENT, ttl_seconds=10)
    world.later(11)
    assert world.held("leaf", 10 * CENT).override_id == override.override_id, "swept by the next decision"
    late = world.settled(held, (usage("o", 1), cost(CENT)))
    assert late.late
    assert state_of(world, override)[0] == 10 * CENT
    assert world.figures("root") == (USD + CENT, 10 * CENT, CENT)


def test_room_that_is_there_is_used_before_an_override(world: World) -> None:
    world.update("root", amount_nano=USD + 5 * CENT)
    override = granted(world)
    held = world.held("leaf", 5 * CENT)
    assert held.override_id is None
    assert state_of(world, override)[0] == 0
    assert world.held("leaf", CENT).override_id == override.override_id


def test_only_what_charges_its_budget_and_is_of_its_agent_and_user_passes(world: World) -> None:
    world.budget("other", None, "root")
    granted(world, agent_id="a", user_id="ann")
    assert isinstance(world.reserve("other", CENT, user_id="ann"), BudgetExceeded)
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    assert isinstance(world.reserve("leaf", CENT, agent_id="b", user_id="ann"), BudgetExceeded)
    assert isinstance(world.reserve("leaf", CENT, user_id="ann"), Reservation)


def test_an_override_of_a_budget_passes_limits_above_and_below_it(world: World) -> None:
    world.update("root", amount_nano=None)
    world.budget("tight", 0, "leaf")
    assert isinstance(world.reserve("tight", CENT), BudgetExceeded)
    granted(world, "root")
    assert isinstance(world.reserve("tight", CENT), Reservation)


def test_a_confined_key_grants_nothing_past_limits_above_its_own_budget(world: World) -> None:
    world.update("leaf", amount_nano=USD)
    override = granted(world, scope="leaf")
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded), "the root's limit is not its own"
    world.update("root", amount_nano=2 * USD)
    assert world.held("leaf", CENT).override_id == override.override_id
    with pytest.raises(NotFound):
        granted(world, "root", scope="leaf")


def test_who_does_not_see_its_budget_is_not_told_its_id(world: World) -> None:
    granted(world, "root")
    held = world.held("leaf", CENT, scope_uid=f"{T}/leaf")
    assert held.override_id is None
    (told,) = (each for each in held.warnings if each.code == OVERRIDDEN)
    assert (told.budget_id, told.limit) == (None, None)
    assert "root" not in told.message


def test_it_ends_when_it_is_time_or_revoked_and_what_passed_stays(world: World) -> None:
    first = granted(world, seconds=60)
    held = world.held("leaf", CENT, ttl_seconds=7_200)
    world.later(61)
    assert state_of(world, first)[1] is OverrideState.EXPIRED
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    second = granted(world)
    world.forget()
    revoked = world.one(RevokeOverride(T, None, second.override_id, "another"))
    assert (revoked.state_at(world.now_us), revoked.revoked_by) == (OverrideState.REVOKED, "another")
    assert isinstance(world.reserve("leaf", CENT), BudgetExceeded)
    world.later(1)
    assert world.one(RevokeOverride(T, None, second.override_id, "again")) == revoked
    world.settled(held, (usage("o", 1), cost(CENT)))
    assert state_of(world, first)[0] == CENT


def test_the_one_that_ends_first_is_used_first(world: World) -> None:
    granted(world, seconds=7_200)
    soon = granted(world, seconds=60)
    assert world.held("leaf", CENT).override_id == soon.override_id


def test_every_kind_of_limit_passes_and_windows_that_were_not_in_the_way_force_nothing(world: World) -> None:
    limits = [
        limit("REQUESTS", 1, "DAY"),
        limit("TOKENS", 5, "REQUEST"),
        limit("COST", CENT, "HOUR", "THROTTLE"),
        limit("COST", 99 * USD, "DAY"),
    ]
    world.budget("strict", None, limits=limits)
    world.held("strict", CENT, prompt_tokens=1)
    refused = world.reserve("strict", CENT, prompt_tokens=9)
    assert isinstance(refused, BudgetExceeded)
    assert len(refused.violations) == 3
    granted(world, "strict")
    held = world.held("strict", CENT, prompt_tokens=9)
    assert held.delay_ms == 0
    world.settled(held, (usage("o", 9), cost(CENT)))
    assert world.figures("strict", "REQUESTS/DAY") == (1, 1, 1)
    assert world.figures("strict", "COST/HOUR") == (CENT, CENT, CENT)
    assert world.figures("strict", "COST/DAY")[2] == 0


def test_what_only_delays_passes_at_once(world: World) -> None:
    world.budget("slow", None, limits=[limit("REQUESTS", 0, "DAY", "THROTTLE")])
    assert isinstance(world.reserve("slow", CENT), Throttled)
    granted(world, "slow")
    assert isinstance(world.reserve("slow", CENT), Reservation)


def test_what_holds_no_money_passes_by_none(world: World) -> None:
    world.budget("busy", None, limits=[limit("REQUESTS", 0, "DAY")])
    granted(world, "busy")
    assert isinstance(world.reserve("busy", 0), BudgetExceeded)


def test_a_dry_run_says_that_it_would_pass_and_takes_nothing(world: World) -> None:
    override = granted(world)
    trial = world.reserve("leaf", CENT, dry_run=True)
    assert (trial.override_id, trial.decision) == (override.override_id, Decision.WARN)
    assert state_of(world, override)[0] == 0
    assert world.store.events[-1].type != BUDGET_OVERRIDDEN


def test_the_same_reservation_again_takes_nothing_again(world: World) -> None:
    override = granted(world)
    first = world.held("leaf", CENT, "once")
    world.forget()
    again = world.held("leaf", CENT, "once")
    assert (again.duplicate, again.override_id) == (True, override.override_id)
    assert OVERRIDDEN in {each.code for each in again.warnings}
    assert (state_of(world, override)[0], first.reservation_id) == (CENT, again.reservation_id)


def test_two_processes_never_use_it_twice(world: World) -> None:
    override = granted(world)
    beside = World(store=world.store, now_us=world.now_us)
    answers = [
        each.reserve("leaf", 3 * CENT, f"{name}{number}")
        for number in range(4)
        for name, each in (("here", world), ("there", beside))
    ]
    assert sum(isinstance(each, Reservation) for each in answers) == 3
    assert state_of(world, override)[0] == 9 * CENT


def test_in_one_batch_it_is_used_up_in_order(world: World) -> None:
    override = granted(world)
    asked = [Reserve(T, None, f"k{n}", "a", "leaf", amount_nano=4 * CENT) for n in range(3)]
    answers = world.tell(*asked)
    assert [type(each).__name__ for each in answers] == ["Reservation", "Reservation", "BudgetExceeded"]
    assert state_of(world, override)[0] == 8 * CENT


def test_the_first_use_is_told_and_nobody_was_refused(world: World) -> None:
    world.budget("fresh", 0)
    override = granted(world, "fresh")
    for _ in range(2):
        world.held("fresh", CENT)
    told = [each.type for each in world.store.events if each.budget_uid == f"{T}/fresh"]
    assert told == [BUDGET_OVERRIDDEN]
    assert override.override_id in world.store.events[-1].payload
    world.reserve("fresh", USD)
    assert world.store.events[-1].type == BUDGET_EXCEEDED


def test_a_stream_that_passed_by_it_goes_on_as_long_as_it_holds_something(world: World) -> None:
    granted(world)
    held = world.held("leaf", 50 * 10_000)
    decisions = [streamed(world, held, total_tokens=total).decision for total in range(10, 61, 10)]
    assert [each is Decision.DENY for each in decisions] == [False] * 4 + [True] * 2
    assert world.figures("root")[2] == 60 * 10_000


def test_it_is_granted_once_by_its_key(world: World) -> None:
    command = granting(world, key="k")
    first = world.one(command)
    world.held("leaf", CENT)
    world.forget()
    again = world.one(command)
    assert (again.override_id, again.used_nano) == (first.override_id, CENT)
    with pytest.raises(Conflict):
        granted(world, amount=CENT, key="k")
    with pytest.raises(Conflict):
        world.one(CreateOverride(T, f"{T}/other", "k", "leaf", 10 * CENT, "an incident", command.until_us))


def test_what_makes_no_sense_is_refused(world: World) -> None:
    wrongs: list[dict[str, Any]] = [{"amount": 0}, {"reason": " "}, {"key": "\n"}, {"agent_id": ""}]
    for wrong in wrongs:
        with pytest.raises(InvalidInput):
            granting(world, **wrong)
    with pytest.raises(InvalidInput):
        granted(world, seconds=0)
    with pytest.raises(OutOfRange):
        granted(world, amount=NANO_MAX + 1)
    with pytest.raises(NotFound):
        granted(world, "nowhere")
    with pytest.raises(NotFound):
        world.one(RevokeOverride(T, None, "nothing"))
    world.budget("closed", USD, budget_type=BudgetType.TASK)
    world.one(CloseBudget(T, None, "closed"))
    with pytest.raises(BudgetClosed):
        granted(world, "closed")


def test_an_extension_is_refused_as_ever(world: World) -> None:
    override = granted(world)
    held = world.held("leaf", CENT)
    assert isinstance(world.extend(held, add=CENT), BudgetExceeded)
    kept = world.extend(held, ttl=600)
    assert (kept.state, kept.override_id) == (HoldState.HELD, override.override_id)


STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "grow", "release", "grant", "wait"]), st.integers(1, 30)),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_no_limit_is_passed_by_more_than_overrides_gave(steps: list[tuple[str, int]]) -> None:
    """``check_books`` recomputes it after each step, with what is held by overrides beside each limit."""
    world = World()
    world.budget("root", 50, limits=[limit("COST", 20, "MINUTE"), limit("REQUESTS", 4, "DAY")])
    world.budget("leaf", 30, "root")
    held: list[Reservation] = []
    for number, (step, amount) in enumerate(steps):
        match step:
            case "grant":
                granted(world, "leaf" if amount % 2 else "root", amount, seconds=90)
            case "wait":
                world.later(amount)
            case "reserve":
                answer = world.reserve("leaf", amount, ttl_seconds=45)
                held += [answer] if isinstance(answer, Reservation) else []
            case "release" if held:
                world.release(held.pop())
            case "grow" if held:
                world.settle(held[-1], (usage(f"o{number}", 1), cost(amount)), final=False)
            case "settle" if held:
                world.settle(held.pop(0), (usage(f"o{number}", 1), cost(amount)))
            case _:
                pass
        check_books(world.store)
