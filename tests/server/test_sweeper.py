"""The sweeper on a graph of its own: what expires ends, for every tenant, and nothing is asked in between."""

import contextlib
import time
from collections.abc import Generator

import pytest

from graph.database import Database
from graph.ledger import GraphLedgerStore
from graph.reservations import Reservations
from ledger.changes import Changes
from ledger.commands import CreateBudget, Reserve
from ledger.committer import Committer
from ledger.holds import HoldState
from ledger.model import BudgetType, uid_of
from ledger.results import Reservation
from server.sweeper import Sweeper
from server.workers import sweep_worker
from tests.support.counting import CountingDatabase
from tests.support.servers import eventually


class Process:
    """A server process, as far as it holds money and sweeps."""

    def __init__(self, database: Database) -> None:
        self.reservations = Reservations(database)
        self.written: list[Changes] = []
        self.committer = Committer(GraphLedgerStore(database), observer=self)
        self.sweeper = Sweeper(self.reservations, self.committer)
        self.worker = sweep_worker(self.sweeper)

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:  # noqa: ARG002
        self.written.append(changes)
        self.sweeper.committed(changes)

    def retried(self, reason: str) -> None:
        pass

    def hold(self, tenant: str, key: str, ttl_seconds: int) -> str:
        """The uid of a new reservation."""
        commands = [
            CreateBudget(tenant, None, "acme", BudgetType.PROJECT, amount_nano=10**12),
            Reserve(tenant, None, key, "agent", "acme", amount_nano=10**9, ttl_seconds=ttl_seconds),
        ]
        _, answer = self.committer.submit_blocking(commands, 30)
        assert isinstance(answer, Reservation), answer
        return uid_of(tenant, answer.reservation_id)

    def expired(self, tenant: str) -> list[int]:
        """How many holds of a test's tenants each commit released."""
        own = (each for each in self.written if each.head.tenant.startswith(tenant))
        return [changes.expired for changes in own if changes.expired]

    def state(self, uid: str) -> HoldState:
        return self.reservations.holds([uid])[uid].state


@contextlib.contextmanager
def running(database: Database, *, sweeping: bool = True) -> Generator[Process]:
    process = Process(database)
    process.committer.start()
    if sweeping:
        process.worker.start()
    try:
        yield process
    finally:
        if sweeping:
            process.worker.stop()
        process.committer.stop()


@pytest.fixture
def process(database: Database) -> Generator[Process]:
    with running(database) as process:
        yield process


def test_what_expires_ends_within_about_a_second_for_every_tenant(process: Process, tenant: str) -> None:
    tenants = [f"{tenant}-{number}" for number in range(3)]
    holds = [process.hold(each, "short", 1) for each in tenants]
    kept = process.hold(tenants[0], "long", 600)
    took = eventually(lambda: {process.state(uid) for uid in holds} == {HoldState.EXPIRED})
    assert took < 4
    assert process.state(kept) is HoldState.HELD
    assert process.expired(tenant) == [1, 1, 1]
    assert sum(changes.granted for changes in process.written) == 4


def test_a_new_process_releases_what_a_dead_one_left(database: Database, tenant: str) -> None:
    with running(database, sweeping=False) as dead:
        uid = dead.hold(tenant, "left", 1)
        time.sleep(1.1)
        assert dead.state(uid) is HoldState.HELD
    with running(database) as process:
        assert eventually(lambda: process.state(uid) is HoldState.EXPIRED) < 4


def test_many_expired_holds_are_released_in_parts(process: Process, tenant: str) -> None:
    commands = [
        Reserve(tenant, None, f"k{number}", "agent", amount_nano=1, ttl_seconds=1) for number in range(450)
    ]
    answers = process.committer.submit_blocking(commands, 60)
    uids = [uid_of(tenant, each.reservation_id) for each in answers if isinstance(each, Reservation)]
    assert len(uids) == 450

    def released() -> bool:
        found = process.reservations.holds(uids)
        return {each.state for each in found.values()} == {HoldState.EXPIRED}

    assert eventually(released) < 15
    assert max(process.expired(tenant)) <= 200
    assert sum(process.expired(tenant)) == 450


def test_nothing_is_asked_or_written_while_nothing_is_due(empty_database: Database, tenant: str) -> None:
    with CountingDatabase(empty_database.connection) as counting, running(counting) as process:
        process.hold(tenant, "long", 600)
        eventually(lambda: "reservations/tenants" in counting.asked)
        counting.asked.clear()
        before = len(process.written)
        time.sleep(3)
        assert counting.asked == []
        assert len(process.written) == before


def test_several_processes_release_a_hold_once(database: Database, tenant: str) -> None:
    with running(database, sweeping=False) as holder:
        uid = holder.hold(tenant, "one", 1)
        time.sleep(1.1)
    with running(database) as one, running(database) as another:
        eventually(lambda: one.state(uid) is HoldState.EXPIRED)
        time.sleep(1)
        expired = [*one.expired(tenant), *another.expired(tenant)]
    assert expired == [1]


def test_it_survives_what_cannot_be_committed_and_stops_at_once(process: Process, tenant: str) -> None:
    uid = process.hold(tenant, "k", 1)
    process.committer.stop()  # nothing is taken any more
    time.sleep(1.5)
    assert process.worker.alive
    assert process.state(uid) is HoldState.HELD
    started = time.monotonic()
    process.worker.stop()
    assert time.monotonic() - started < 2
    assert not process.worker.alive
