"""THROTTLE limits: the curve's shape, what callers are told, and what it does to a steady overload."""

from dataclasses import dataclass
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.commands import LimitSpec
from ledger.errors import InvalidInput
from ledger.holds import Decision
from ledger.model import Enforcement, Meter, Throttle, WindowKind, uid_of
from ledger.pace import pace
from ledger.results import BudgetExceeded, Reservation, Settled, Throttled
from ledger.throttle import delay_ms
from tests.support.world import CENT, NOON_US, SECOND_US, USD, T, World, cost, limit, usage

CURVES = st.builds(Throttle, st.integers(0, 999_999), st.integers(100, 10_000), st.integers(1, 3_600_000))
FRACTIONS = st.floats(0, 1, allow_nan=False)
ELAPSED = st.one_of(st.none(), FRACTIONS)
HOUR_S = 3_600


@given(CURVES, FRACTIONS, FRACTIONS, ELAPSED)
def test_the_delay_grows_with_utilization(curve: Throttle, a: float, b: float, elapsed: float | None) -> None:
    low, high = sorted((a, b))
    assert 0 <= delay_ms(curve, low, elapsed) <= delay_ms(curve, high, elapsed) <= curve.max_delay_ms


@given(CURVES, ELAPSED)
def test_nobody_waits_below_the_start_and_everybody_fully_at_the_limit(
    curve: Throttle, elapsed: float | None
) -> None:
    assert delay_ms(curve, curve.start_ppm / 1_000_000, elapsed) == 0
    assert delay_ms(curve, 1.0, elapsed) == curve.max_delay_ms
    assert delay_ms(curve, 1.5, elapsed) == curve.max_delay_ms


@given(CURVES, FRACTIONS, st.floats(0, 0.99))
def test_the_curve_has_no_jumps(curve: Throttle, utilization: float, elapsed: float) -> None:
    # Below a shape of 1 the curve is steep just above its start: there a small step is a longer way up.
    step = 1e-9
    near = delay_ms(curve, min(1.0, utilization + step), elapsed) - delay_ms(curve, utilization, elapsed)
    room = 1 - curve.start_ppm / 1_000_000
    steepest = (step / room) ** min(1.0, curve.shape_milli / 1_000) * max(1.0, curve.shape_milli / 1_000)
    assert near <= curve.max_delay_ms * (steepest + step / (1 - elapsed)) + 1


@given(CURVES, FRACTIONS, FRACTIONS)
def test_who_spends_no_faster_than_time_passes_never_waits(
    curve: Throttle, utilization: float, elapsed: float
) -> None:
    if utilization < 1 and utilization <= elapsed:
        assert delay_ms(curve, utilization, elapsed) == 0


def throttled(world: World, amount: int, curve: Throttle | None = None) -> None:
    """A budget whose hourly limit delays."""
    spec = LimitSpec(Meter.COST, amount, WindowKind.HOUR, Enforcement.THROTTLE, throttle=curve)
    world.budget("b", None, limits=(spec,))


def test_a_hold_near_the_limit_is_delayed_told_why_and_expires_later() -> None:
    world = World()
    throttled(world, USD)
    assert world.held("b", 80 * CENT).delay_ms == 0
    held = world.held("b", 10 * CENT, key="k", ttl_seconds=60)
    # Noon is the beginning of the hour: x = (.9 - .8) / .2, nothing of the window has passed.
    assert (held.decision, held.delay_ms) == (Decision.THROTTLE, round(10_000 * 0.5**2 * 0.9))
    (warning,) = [each for each in held.warnings if each.code == "THROTTLED"]
    assert warning.budget_id == "b"
    assert "90.0%" in warning.message
    assert "2.25 s" in warning.message
    assert held.expires_at_us == NOON_US + held.delay_ms * 1_000 + 60 * SECOND_US
    again = world.held("b", 10 * CENT, key="k", ttl_seconds=60)
    assert (again.duplicate, again.decision) == (True, Decision.THROTTLE)
    full = world.held("b", 10 * CENT)
    assert full.delay_ms == 10_000, "the last cent waits for the whole maximum"
    assert isinstance(world.reserve("b", CENT), Throttled)


def test_late_in_the_window_the_same_use_waits_for_less() -> None:
    world = World()
    throttled(world, USD)
    world.now_us = NOON_US + 50 * 60 * SECOND_US
    held = world.held("b", 90 * CENT)
    assert held.delay_ms == round(10_000 * 0.5**2 * (0.9 - 50 / 60) / (1 - 50 / 60))
    world.now_us = NOON_US + 55 * 60 * SECOND_US
    assert world.held("b", 0).delay_ms == 0, "spent no faster than time passes"


def test_a_hard_limit_wins_over_a_delay_and_a_dry_run_is_told_the_delay() -> None:
    world = World()
    specs = (
        LimitSpec(Meter.COST, USD, WindowKind.HOUR, Enforcement.THROTTLE),
        limit("COST", 2 * USD, "DAY"),
    )
    world.budget("b", None, limits=specs)
    trial = world.held("b", 95 * CENT, dry_run=True)
    assert (trial.decision, trial.delay_ms > 0) == (Decision.THROTTLE, True)
    assert world.held("b", 10 * CENT).delay_ms == 0, "the trial held nothing"
    assert isinstance(world.reserve("b", 3 * USD), BudgetExceeded)


def test_a_stream_is_slowed_down_as_it_nears_the_limit() -> None:
    world = World()
    throttled(world, USD)
    held = world.held("b", 70 * CENT)
    first = world.settled(held, (usage("op", 10), cost(60 * CENT)), final=False)
    assert (first.decision, first.delay_ms) == (Decision.ALLOW, 0)
    second = world.settled(held, (usage("op", 20), cost(95 * CENT)), final=False)
    assert isinstance(second, Settled)
    assert (second.decision, second.delay_ms) == (Decision.THROTTLE, round(10_000 * 0.75**2 * 0.95))


@pytest.mark.parametrize(
    ("enforcement", "curve"),
    [
        (Enforcement.HARD, Throttle()),
        (Enforcement.THROTTLE, Throttle(start_ppm=1_000_000)),
        (Enforcement.THROTTLE, Throttle(shape_milli=0)),
        (Enforcement.THROTTLE, Throttle(max_delay_ms=0)),
        (Enforcement.THROTTLE, Throttle(max_delay_ms=3_600_001)),
    ],
)
def test_a_curve_that_cannot_be_is_refused(enforcement: Enforcement, curve: Throttle) -> None:
    world = World()
    spec = LimitSpec(Meter.COST, USD, WindowKind.HOUR, enforcement, throttle=curve)
    with pytest.raises(InvalidInput):
        world.budget("b", None, limits=(spec,))


@dataclass
class Hour:
    """What became of an hour under overload."""

    first_refusal_s: float
    spent: int
    longest_delay_ms: int


def overloaded(curve: Throttle, *, heed: bool) -> Hour:
    """6 callers who want three times what an hour's limit of 3.00 allows; they wait if they heed delays."""
    world = World()
    throttled(world, 3 * USD, curve)
    began_us, longest = world.now_us, 0
    wall_s = float(HOUR_S)
    turns: list[tuple[float, int]] = []
    for caller in range(6):
        heappush(turns, (caller * 4.0, caller))
    while turns and turns[0][0] < HOUR_S:
        at_s, caller = heappop(turns)
        world.now_us = began_us + int(at_s * 1_000_000)
        answer = world.reserve("b", CENT)
        if isinstance(answer, Reservation):
            world.settled(answer, (usage(answer.reservation_id, 1), cost(CENT)))
            longest = max(longest, answer.delay_ms)
            waits_s = answer.delay_ms / 1_000 if heed else 0.0
        else:
            wall_s = min(wall_s, at_s)
            waits_s = 60.0
        heappush(turns, (at_s + waits_s + 24.0, caller))
    return Hour(wall_s, world.figures("b", "COST/HOUR")[0], longest)


def test_under_a_steady_overload_the_limit_lasts_until_the_window_ends() -> None:
    curve = Throttle(start_ppm=300_000, shape_milli=1_000, max_delay_ms=240_000)
    wall = overloaded(curve, heed=False)
    assert wall.first_refusal_s < 0.36 * HOUR_S, "without: a wall after a third of the hour"
    assert wall.longest_delay_ms > 0
    smooth = overloaded(curve, heed=True)
    assert smooth.first_refusal_s >= 0.95 * HOUR_S, "with: the limit is reached as the hour ends"
    assert smooth.spent >= 0.97 * 3 * USD, "and it is used"


NEAR = st.integers(0, 3) | st.integers(8, 12) | st.integers(78, 82) | st.integers(97, 103)
LIMITS = st.lists(
    st.builds(
        LimitSpec,
        st.sampled_from([Meter.COST, Meter.TOKENS, Meter.REQUESTS]),
        st.sampled_from([0, 1, 10, 100]),
        st.sampled_from([WindowKind.HOUR, WindowKind.LIFETIME]),
        st.sampled_from(Enforcement),
    ),
    unique_by=lambda each: (each.meter, each.window),
)


@given(LIMITS, st.data(), st.booleans())
def test_what_is_far_from_every_limit_may_go_on_without_a_closer_look(
    limits: list[LimitSpec], data: st.DataObject, final: bool
) -> None:
    world = World()
    world.budget("b", None, limits=limits)
    held = world.held("b", 0, key="k", requests=0, quantity=0)
    state = world.states[T]
    hold = state.hold(uid_of(T, held.reservation_id))
    assert hold is not None
    plan = state.plan(hold.path, hold.facts(), world.now_us)
    for slot in plan.in_order:
        slot.window.spent, slot.window.reserved = data.draw(NEAR), data.draw(NEAR)
    hold.cost_nano, hold.tokens = data.draw(NEAR), data.draw(NEAR)
    now_us = data.draw(st.sampled_from([world.now_us, world.now_us + HOUR_S * SECOND_US]))
    quick = pace(plan, hold, now_us, final=final)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.pace.comes_close", lambda _plan, _asked: True)
        assert quick == pace(plan, hold, now_us, final=final)
