"""Reservations on the engines: the same trouble as in memory, and the same answers."""

from typing import Any

import pytest

from graph.check import Check
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from ledger.batch import attempt
from ledger.commands import Adjust, Command, CreateBudget, Release, Reserve, Settle, UpdateBudget
from ledger.decide import Answer
from ledger.model import BudgetType
from ledger.ports import Wanted
from ledger.results import Adjusted, BudgetExceeded, Reservation, Settled
from ledger.state import TenantState
from tests.ledger.simulator import Simulation, check_kept, outcome_of
from tests.support.world import CENT, NOON_US, SECOND_US, UNPRICED, USD, T, cost, limit, usage


class OnEngine(Simulation):
    """Everything that is decided in memory is decided on an engine too, by two processes."""

    def __init__(self, seed: int, database: Database) -> None:
        self.graph = GraphLedgerStore(database)
        self.elsewhere: list[dict[str, TenantState]] = [{}, {}]
        self.kept_most = 0
        super().__init__(seed)
        self.trouble = 0.0

    def _said(self, batch: list[Command], answers: list[Answer] | None, now_us: int) -> None:
        super()._said(batch, answers, now_us)
        assert answers is not None
        states = self.elsewhere[self.numbers % 2]
        found = attempt(self.graph, states, batch, now_us).answers
        assert [outcome_of(each) for each in found] == [outcome_of(each) for each in answers]
        kept = states[T].kept
        self.kept_most = max(self.kept_most, len(kept))
        with self.graph.transaction() as transaction:
            locked = transaction.lock([T], Wanted(holds=list(kept)))
            transaction.cancel()
        check_kept(states, locked.heads[T].commits, locked.holds)

    def compare(self) -> None:
        """Both stores hold the same figures, reservations and entries."""
        with self.graph.transaction() as transaction:
            holds = [*self.store.holds, "unknown"]
            locked = transaction.lock([T], Wanted(list(self.store.usages), holds))
            windows = transaction.windows(self.store.windows)
            transaction.cancel()
        assert windows == self.store.windows
        assert locked.holds == self.store.holds
        assert locked.heads[T].seq == self.store.heads[T].seq
        for uid, known in locked.operations.items():
            usage_ = self.store.usages[uid]
            assert (known.fingerprint, known.counts) == (usage_.fingerprint, usage_.counts)
            assert known.grown == usage_.grown


@pytest.mark.parametrize("seed", range(2))
def test_an_engine_answers_as_the_store_in_memory_does(seed: int, empty_database: Database) -> None:
    simulation = OnEngine(seed, empty_database)
    simulation.run(30)
    simulation.compare()
    assert simulation.kept_most > 1
    assert Check(empty_database, Trees(empty_database)).run(T) == []


class Desk:
    """Commands on an engine, one a batch, each by a process that knows nothing."""

    def __init__(self, database: Database) -> None:
        self.store = GraphLedgerStore(database)
        self.now_us = NOON_US

    def one(self, command: Command) -> Any:
        (answer,) = attempt(self.store, {}, [command], self.now_us).answers
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def desk(empty_database: Database) -> Desk:
    desk = Desk(empty_database)
    desk.one(CreateBudget(T, None, "root", BudgetType.CUSTOM, amount_nano=USD))
    desk.one(CreateBudget(T, None, "leaf", BudgetType.CUSTOM, "root"))
    return desk


def reserve(desk: Desk, key: str, amount: int = 10 * CENT, **said: Any) -> Any:
    return desk.one(Reserve(T, None, key, "a", "leaf", amount_nano=amount, **said))


def test_an_expired_hold_makes_room_for_a_process_that_never_saw_it(
    desk: Desk, empty_database: Database
) -> None:
    reserve(desk, "a", USD, ttl_seconds=10)
    assert isinstance(reserve(desk, "b"), BudgetExceeded)
    desk.now_us += 10 * SECOND_US
    assert isinstance(reserve(desk, "b"), Reservation)
    assert Check(empty_database, Trees(empty_database)).run(T) == []


def test_a_closed_hold_leaves_the_index_of_those_that_expire(desk: Desk) -> None:
    held = reserve(desk, "a")
    with desk.store.transaction() as transaction:
        transaction.lock([T], Wanted())
        assert len(transaction.first_to_expire(T, "", 9)) == 1
        transaction.cancel()
    desk.one(Release(T, None, held.reservation_id))
    with desk.store.transaction() as transaction:
        transaction.lock([T], Wanted())
        assert transaction.first_to_expire(T, "", 9) == []
        transaction.cancel()


def test_estimates_adjustments_and_limits_per_user_come_back_from_the_graph(
    desk: Desk, empty_database: Database
) -> None:
    held = reserve(desk, "a", user_id="u")
    part = Settle(T, None, held.reservation_id, ((usage("o", 10, 5), UNPRICED),), final=False)
    desk.one(part)
    settled = desk.one(Settle(T, None, held.reservation_id, ((usage("o", 10, 9), UNPRICED),)))
    assert isinstance(settled, Settled)
    assert settled.charged_nano == 10 * CENT
    adjust = Adjust(T, None, "refund", "o", -4 * CENT)
    first, again = desk.one(adjust), desk.one(adjust)
    assert isinstance(first, Adjusted)
    assert again == Adjusted(first.entry, duplicate=True)
    desk.one(UpdateBudget(T, None, "leaf", {"limits": (limit("TOKENS", 30, "DAY", each="USER"),)}))
    refused = reserve(desk, "b", user_id="u", prompt_tokens=12)
    assert isinstance(refused, BudgetExceeded)
    assert (refused.violations[0].spent, refused.violations[0].reserved) == (19, 0)
    assert isinstance(reserve(desk, "c", user_id="v", prompt_tokens=30), Reservation)
    desk.one(Settle(T, None, reserve(desk, "d").reservation_id, ((usage("p", 1), cost(CENT)),)))
    assert Check(empty_database, Trees(empty_database)).run(T) == []
