"""What went wrong elsewhere (LESSONS.md: limits, blocks, lost or double money, periods), one test each.

Those on reservations and settlements alone are in test_reserve.py, test_settle.py and test_leases.py, by the
same names.
"""

import threading
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger.commands import Command, Record, Release, Reserve, Settle, Sweep
from ledger.committer import Committer
from ledger.errors import NotFound
from ledger.results import BudgetExceeded, RecordedUsage, Reservation
from pricing.calendar import from_datetime
from tests.support.books import check_books
from tests.support.simulated_store import Crash, Fault
from tests.support.world import CENT, NOON_US, SECOND_US, UNPRICED, USD, T, World, cost, limit, usage


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


@pytest.fixture
def world() -> World:
    world = World()
    world.budget("root", USD)
    world.budget("leaf", None, "root")
    return world


def reserves(count: int, amount: int = CENT) -> list[Command]:
    return [Reserve(T, None, f"r{i}", "a", "leaf", amount_nano=amount) for i in range(count)]


def test_bifrost_3547_and_litellm_two_workers_a_cap_is_not_spent_once_by_each_process(world: World) -> None:
    """Four committers, 64 clients: a limit of 1.00 takes exactly 100 holds of 0.01."""
    committers = [Committer(world.store, clock=lambda: NOON_US) for _ in range(4)]
    for each in committers:
        each.start()
    answers: list[Any] = []

    def client(number: int) -> None:
        for index in range(8):
            command = Reserve(T, None, f"c{number}-{index}", "a", "leaf", amount_nano=CENT)
            answers.extend(committers[(number + index) % 4].submit_blocking([command]))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(64)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    for each in committers:
        each.stop()
    assert len(answers) == 512
    assert sum(isinstance(each, Reservation) for each in answers) == 100
    assert world.figures("root") == (0, USD, 0)
    check_books(world.store)


def test_bifrost_2873_every_way_to_spend_meets_the_same_limit(world: World) -> None:
    """A record cannot be refused, but what it spends is gone for others; extensions are refused too."""
    held = world.held("leaf", 40 * CENT)
    world.record(usage("o", budget_id="leaf"), cost(50 * CENT))
    assert isinstance(world.reserve("leaf", 11 * CENT), BudgetExceeded)
    assert isinstance(world.extend(held, add=11 * CENT), BudgetExceeded)
    assert isinstance(world.reserve("root", 11 * CENT), BudgetExceeded)
    assert isinstance(world.reserve("leaf", 11 * CENT, dry_run=True), BudgetExceeded)


def test_langwatch_6141_enforcement_waits_for_no_projection(world: World) -> None:
    """The very next decision, in another process, sees the spend."""
    world.record(usage("o", budget_id="leaf"), cost(USD))
    world.forget()
    assert isinstance(world.reserve("leaf", 1), BudgetExceeded)


def test_litellm_28247_recounting_twice_changes_nothing(world: World) -> None:
    world.record(usage("o", budget_id="leaf"), cost(30 * CENT))
    held = world.held("leaf", 20 * CENT)
    for amount in (1, 2, 1):
        world.update("root", limits=(limit("COST", amount * USD, "DAY"),))
        assert world.figures("root", "COST/DAY") == (30 * CENT, 20 * CENT, 0)
        world.update("root", limits=())
    world.release(held)
    world.update("root", limits=(limit("COST", USD, "DAY"),))
    assert world.figures("root", "COST/DAY") == (30 * CENT, 0, 0)


def test_litellm_40050_the_counter_is_the_books(world: World) -> None:
    """After everything that moves money, counter and entries agree (World checks it after each command)."""
    held = world.held("leaf", 50 * CENT)
    world.settled(held, (usage("a", 1), cost(20 * CENT)), final=False)
    world.settled(held, (usage("a", 2), cost(30 * CENT)), (usage("b", 1), UNPRICED))
    world.adjust("a", -5 * CENT)
    world.record(usage("c", budget_id="leaf"), cost(7 * CENT))
    entries = sum(each.entry.total_cost_nano for each in world.store.entries)
    assert world.figures("root")[0] == entries == 52 * CENT


def test_litellm_33872_nothing_is_forgotten_that_was_not_committed(world: World) -> None:
    """The commit fails twice; the batch is decided again and nothing of it is lost."""
    calls = {"count": 0}

    def twice(step: str) -> None:
        if step == "before commit" and calls["count"] < 2:
            calls["count"] += 1
            raise Fault(step)

    world.store.fault = twice
    committer = Committer(world.store, clock=lambda: NOON_US)
    committer.start()
    answers = committer.submit_blocking(
        [Record(T, None, usage(f"o{i}", budget_id="leaf"), cost(CENT)) for i in range(20)]
    )
    committer.stop()
    assert all(isinstance(each, RecordedUsage) for each in answers)
    assert world.figures("root")[0] == 20 * CENT


@pytest.mark.parametrize("step", ["begin", "lock", "write", "before commit", "after commit"])
def test_a_crash_at_any_step_neither_loses_nor_doubles_money(world: World, step: str) -> None:
    """Whoever was not answered asks again, another process answers: everything happened exactly once."""
    held = world.held("leaf", 50 * CENT)
    commands: list[Command] = [
        Settle(T, None, held.reservation_id, ((usage("o", 5), cost(20 * CENT)),)),
        Record(T, None, usage("p", budget_id="leaf"), cost(3 * CENT)),
        Reserve(T, None, "again", "a", "leaf", amount_nano=10 * CENT),
    ]

    def dies(now: str) -> None:
        if now == step:
            world.store.fault = lambda _: None
            raise Crash

    world.store.fault = dies
    with pytest.raises(Crash):
        world.tell(*commands)
    world.forget()
    world.tell(*commands)
    world.tell(*commands)
    assert world.figures("root") == (23 * CENT, 10 * CENT, 0)


def test_litellm_15740_the_same_event_recorded_twice_is_one(world: World) -> None:
    said = usage("o", 5, budget_id="leaf")
    world.tell(*[Record(T, None, said, cost(CENT))] * 25)
    world.forget()
    world.tell(*[Record(T, None, said, cost(CENT))] * 25)
    assert world.figures("root")[0] == CENT


def test_repeating_25_requests_holds_and_charges_once(world: World) -> None:
    command = Reserve(T, None, "same", "a", "leaf", amount_nano=CENT)
    world.tell(*[command] * 25)
    assert world.figures("root") == (0, CENT, 0)
    settle = Settle(T, None, command.reservation_id, ((usage("o"), cost(CENT)),))
    world.tell(*[settle] * 25)
    assert world.figures("root") == (CENT, 0, 0)


def test_openmeter_4846_usage_after_a_new_window_has_begun_is_not_lost() -> None:
    """A late record counts in its own window, not in the running one, and not nowhere."""
    world = World()
    world.budget("daily", USD, recurrence="DAILY")
    world.now_us = at("2026-10-02T00:10:00+00:00")
    world.held("daily", CENT)
    world.record(usage("late", budget_id="daily", timestamp="2026-10-01T23:50:00Z"), cost(5 * CENT))
    spent = {uid.rpartition("@")[2]: each.spent for uid, each in world.store.windows.items()}
    assert spent[str(at("2026-10-01T00:00:00+00:00"))] == 5 * CENT
    assert spent[str(at("2026-10-02T00:00:00+00:00"))] == 0


def test_litellm_20532_a_budget_resets_by_itself() -> None:
    world = World()
    world.budget("monthly", USD, recurrence="MONTHLY")
    for month in range(1, 13):
        world.now_us = at(f"2027-{month:02}-28T12:00:00+00:00")
        world.record(usage(f"o{month}", budget_id="monthly"), cost(USD))
        assert isinstance(world.reserve("monthly", 1), BudgetExceeded)
        world.now_us = at(f"2027-{month:02}-28T12:00:01+00:00")
    world.now_us = at("2028-01-01T00:00:00+00:00")
    assert isinstance(world.reserve("monthly", USD), Reservation)


def test_litellm_34896_a_day_begins_at_midnight_of_its_zone_not_hours_late() -> None:
    world = World()
    world.budget("tokyo", USD, recurrence="DAILY", timezone="Asia/Tokyo")
    world.now_us = at("2026-10-01T23:59:59+09:00")
    world.held("tokyo", USD)
    assert isinstance(world.reserve("tokyo", 1), BudgetExceeded)
    world.now_us = at("2026-10-02T00:00:00+09:00")
    assert isinstance(world.reserve("tokyo", USD), Reservation)


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_days_of_23_and_25_hours_end_where_the_clock_says(day: str, hours: int) -> None:
    world = World()
    world.budget("berlin", USD, recurrence="DAILY", timezone="Europe/Berlin")
    start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    world.now_us = from_datetime(start)
    world.record(usage("o", budget_id="berlin"), cost(USD))
    window = world.window("berlin")
    assert window.end_us is not None
    assert window.end_us - world.now_us == hours * 3600 * SECOND_US
    world.now_us = window.end_us - 1
    assert isinstance(world.reserve("berlin", 1), BudgetExceeded)
    world.now_us += 1
    assert isinstance(world.reserve("berlin", USD), Reservation)


def test_litellm_34492_a_new_window_begins_with_nothing_spent() -> None:
    world = World()
    world.budget("weekly", USD, recurrence="WEEKLY")
    world.record(usage("o", budget_id="weekly"), cost(USD))
    world.now_us = at("2026-10-05T00:00:00+00:00")  # a Monday
    world.held("weekly", USD)
    assert world.window("weekly").spent == 0


def test_a_month_is_a_month_and_not_30_days() -> None:
    """From 31 January the next month begins on 1 February, and March on 1 March."""
    world = World()
    world.budget("monthly", USD, recurrence="MONTHLY")
    world.now_us = at("2027-01-31T23:59:59+00:00")
    world.held("monthly", USD)
    for text in ("2027-02-01T00:00:00+00:00", "2027-03-01T00:00:00+00:00"):
        world.now_us = at(text)
        world.held("monthly", USD)
        assert isinstance(world.reserve("monthly", 1), BudgetExceeded)


def test_sequential_callers_use_a_limit_up_to_within_one_hold(world: World) -> None:
    """gpt-4o's maximum holds 0.16384; each call really costs 0.01."""
    hold, calls = 163_840_000, 0
    while isinstance(answer := world.reserve("leaf", hold), Reservation):
        world.settled(answer, (usage(f"o{calls}", 1), cost(CENT)))
        calls += 1
    spent, reserved, forced = world.figures("root")
    assert (reserved, forced) == (0, 0)
    assert USD - hold < spent <= USD


def test_no_hold_survives_its_expiry(world: World) -> None:
    world.tell(*reserves(50))
    world.later(301)
    world.forget()
    world.one(Sweep(T))
    assert world.figures("root") == (0, 0, 0)
    assert all(not any(amount for _, amount in each.amounts()) for each in world.store.holds.values())


def test_a_sweep_takes_no_more_than_it_is_told_and_comes_back_for_the_rest(world: World) -> None:
    world.tell(*(Reserve(T, None, f"r{i}", "a", "leaf", amount_nano=1) for i in range(450)))
    world.later(301)
    world.forget()
    assert world.one(Sweep(T, limit=100)).released == 200
    assert world.one(Sweep(T)).released == 250
    assert world.figures("root") == (0, 0, 0)


def test_another_tenant_is_neither_seen_nor_limited() -> None:
    world = World()
    world.budget("b", CENT)
    held = world.held("b", CENT)
    other: Command = Release("other", None, held.reservation_id)
    with pytest.raises(NotFound):
        world.one(other)
    mine = Reserve("other", None, "k1", "a", None, amount_nano=USD)
    assert isinstance(world.one(mine), Reservation)


def test_a_usual_batch_takes_two_round_trips(world: World) -> None:
    """Lock and write, once the process knows the path."""
    held = world.held("leaf", CENT)
    world.store.statements = 0
    world.tell(*reserves(50, 1))
    assert world.store.statements == 2
    world.store.statements = 0
    world.settled(held, (usage("o", 1), cost(CENT)))
    assert world.store.statements == 2
