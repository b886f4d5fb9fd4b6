"""Open reservations that a process keeps in memory, so that a settlement need not read them."""

from dataclasses import replace

from ledger.holds import HoldState
from ledger.state import KEPT_MAX
from tests.support.world import CENT, USD, World, cost, usage


def alone() -> World:
    """A process that has found that nobody else commits."""
    world = World()
    world.budget("b", USD)
    for _ in range(2):
        world.reserve("b", CENT)
    return world


def elsewhere(world: World) -> World:
    """Another process on the same store."""
    return World(store=world.store, now_us=world.now_us, keys=1_000)


def test_what_was_reserved_here_is_settled_without_reading_it() -> None:
    world = alone()
    held = world.held("b", 10 * CENT)
    assert len(world.store.asked.holds) == 1, "whether its key is known is looked up"
    settled = world.settle(held, (usage("o"), cost(4 * CENT)))
    assert world.store.asked.holds == []
    assert (settled.charged_nano, settled.reservation.state) == (4 * CENT, HoldState.SETTLED)
    again = world.settle(held, (usage("o"), cost(4 * CENT)))
    assert len(world.store.asked.holds) == 1, "what has ended is kept no longer"
    assert again.reservation.duplicate


def test_a_part_that_is_settled_is_kept_as_it_is_stored() -> None:
    world = alone()
    held = world.held("b", 10 * CENT)
    for number in range(3):
        world.settle(held, (usage(f"o{number}"), cost(2 * CENT)), final=False)
        assert world.store.asked.holds == []
    (kept,) = [each for each in world.states["t"].kept.values() if each.reservation_id == held.reservation_id]
    assert kept == world.store.holds[kept.uid]
    assert (kept.cost_nano, kept.charged_nano) == (4 * CENT, 6 * CENT)


def test_what_another_process_did_meanwhile_is_seen() -> None:
    world = alone()
    held = world.held("b", 10 * CENT)
    elsewhere(world).settle(held, (usage("o"), cost(4 * CENT)))
    late = world.settle(held, (usage("o"), cost(4 * CENT)))
    assert late.reservation.duplicate
    assert world.store.asked.holds == [], "it was taken for known, and read once somebody else had committed"
    assert world.figures("b")[:2] == (4 * CENT, 2 * CENT)


def test_processes_that_take_turns_read_with_the_lock() -> None:
    world = alone()
    other = elsewhere(world)
    for number in range(4):
        held = other.held("b", CENT)
        world.reserve("b", CENT)
        other.settle(held, (usage(f"o{number}"), cost(CENT)))
        assert len(world.store.asked.holds) == 1
        world.reserve("b", CENT)


def test_what_is_kept_has_an_end() -> None:
    world = alone()
    state = world.states["t"]
    first = next(iter(state.kept.values()))
    state.kept |= {f"t/{number}": replace(first, uid=f"t/{number}") for number in range(KEPT_MAX)}
    held = world.held("b", CENT)
    assert len(state.kept) <= 1
    assert world.settle(held, (usage("o"), cost(CENT))).charged_nano == CENT
