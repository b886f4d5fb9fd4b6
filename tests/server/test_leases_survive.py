"""The lease client on real servers, on both engines: exact to the last unit, and no worse for being killed.

What clients were acknowledged is in the books, what is in the books was sent, the limit is passed at no time,
and what a killed client held comes back.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from bench.lease_client import Lease, LeaseRefused, Spent
from tests.server.test_limits_hold import CHECK, NANO, make_path, money
from tests.server.test_rest_reservations import reserve, standing
from tests.support.lease_worker import CHUNK_NANO, TTL_SECONDS
from tests.support.servers import Client, ServerProcess, environment, eventually, on_engine

FULL = bool(os.environ.get("COSTGRAPH_TEST_FULL"))
WORKERS = 16
KILLS = 60 if FULL else 8
LIMIT_NANO = (60 if FULL else 40) * CHUNK_NANO
TOTAL = """
query($id: ID!) { budget(budgetId: $id) { rollup { total { operations totalCost } } } }
"""


class Told:
    """What a lease in this process sent, and was acknowledged."""

    def __init__(self) -> None:
        self.sent: list[Spent] = []
        self.acknowledged: list[Spent] = []

    def __call__(self, what: Literal["sent", "acknowledged"], batch: Sequence[Spent]) -> None:
        (self.sent if what == "sent" else self.acknowledged).extend(batch)


def lease(server: ServerProcess, budget: str, chunk: int, key: str, told: Told, ttl: int = 60) -> Lease:
    return Lease(
        server.url,
        server.admin_key,
        f"{budget}-agent",
        budget,
        chunk,
        idempotency_key=key,
        ttl_seconds=ttl,
        told=told,
    )


def spent(client: Client, budget: str) -> int:
    return int(Decimal(standing(client, budget)[0]) * NANO)


def agree(client: Client, budget: str) -> None:
    assert client.data(CHECK, id=budget)["ledgerCheck"] == {"ok": True, "findings": []}


def test_a_lease_is_spent_to_the_last_unit_and_not_beyond(
    client: Client, server: ServerProcess, name: str
) -> None:
    leaf = make_path(client, name, money(1_000))
    told, number, refused = Told(), 0, 0
    with lease(server, leaf, 300, name, told) as leased:
        until = time.monotonic() + 60
        while refused < 3:
            assert time.monotonic() < until
            number += 1
            if leased.spend(f"{name}-{number}", 7):
                refused = 0
                continue
            number -= 1
            # Whether more comes is known a moment later.
            refused += leased.waiting == 0 and standing(client, f"{name}-0")[2] == "0"
            time.sleep(0.1)
        assert (number, leased.left_nano) == (1_000 // 7, 1_000 % 7)
        assert not leased.spend(f"{name}-more", 1_000 % 7 + 1)
        assert leased.spend(f"{name}-last", 1_000 % 7)
        assert not leased.spend(f"{name}-nothing-left", 1)
    assert standing(client, f"{name}-0") == (money(1_000), "0", "0")
    assert sum(each.cost_nano for each in told.acknowledged) == 1_000
    assert reserve(client, f"{name}-past", leaf, amount=money(1)).status_code == 402
    agree(client, f"{name}-0")


def test_what_is_left_comes_back_at_the_end(client: Client, server: ServerProcess, name: str) -> None:
    leaf = make_path(client, name, "1")
    told = Told()
    with lease(server, leaf, NANO, name, told) as leased:
        assert reserve(client, f"{name}-other", leaf, amount=money(1)).status_code == 402
        # More than one settlement takes, and not a round number of them.
        for number in range(2_345):
            assert leased.spend(f"{name}-{number}", number)
    assert standing(client, f"{name}-0")[:2] == (money(2_344 * 2_345 // 2), "0")
    assert len(told.acknowledged) == 2_345
    assert reserve(client, f"{name}-other", leaf, amount="0.99").status_code == 201
    agree(client, f"{name}-0")


def test_several_threads_spend_no_more_than_is_leased(
    client: Client, server: ServerProcess, name: str
) -> None:
    leaf = make_path(client, name, money(10_000))
    told, passed = Told(), [0] * 8
    with lease(server, leaf, 10_000, name, told) as leased:

        def work(number: int) -> None:
            for round_ in range(2_000):
                passed[number] += leased.spend(f"{name}-{number}-{round_}", 3)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sum(passed) == 10_000 // 3
    assert spent(client, f"{name}-0") == 10_000 // 3 * 3


def test_it_lives_on_heartbeats(client: Client, server: ServerProcess, name: str) -> None:
    leaf = make_path(client, name, "1")
    told = Told()
    with lease(server, leaf, NANO // 2, name, told, ttl=2) as leased:
        for number in range(40):  # longer than it was given for
            assert leased.spend(f"{name}-{number}", 1)
            time.sleep(0.1)
    assert standing(client, f"{name}-0")[:2] == (money(40), "0")
    with pytest.raises(LeaseRefused):
        lease(server, leaf, 2 * NANO, f"{name}-too-much", told).open()


def test_it_decides_nothing_once_nobody_answers(data_dir: Path) -> None:
    told = Told()
    with ServerProcess(on_engine(data_dir)) as server:
        leased = lease(server, "unattributed", NANO, "alone", told, ttl=4).open()
        assert leased.spend("first", 1)
        eventually(lambda: leased.waiting == 0)
        server.kill()
    assert leased.spend("settled-by-nobody", 1), "there is time left"
    # The other half of its time is for settling.
    time.sleep(2.1)
    assert not leased.spend("late", 1)
    leased.close()
    assert [each.operation_id for each in told.acknowledged] == ["first"]
    assert leased.failure is not None


def test_settling_the_same_again_charges_nothing(client: Client, server: ServerProcess, name: str) -> None:
    leaf = make_path(client, name, "1")
    told = Told()
    with lease(server, leaf, NANO // 2, name, told) as leased:
        for number in range(50):
            leased.spend(f"{name}-{number}", 10)
        eventually(lambda: leased.waiting == 0)
        again = [
            {
                "operation_id": each.operation_id,
                "agent_id": f"{leaf}-agent",
                "capability_type": "lease",
                "provider_cost": money(each.cost_nano),
            }
            for each in told.acknowledged
        ]
        body = {"usages": again, "final": False}
        answer = client.post(f"/v1/reservations/{leased.reservation_id}/settle", json=body).json()
        assert all(each["duplicate"] for each in answer["results"])
    assert spent(client, f"{name}-0") == 500


class Fleet:
    """Worker processes with their journals."""

    def __init__(self, server: ServerProcess, leaf: str, folder: Path) -> None:
        self._server = server
        self._leaf = leaf
        self._folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self._started = 0

    def start(self) -> None:
        self._started += 1
        name = f"{self._leaf}-w{self._started}"
        journal = self._folder / f"{self._started}.journal"
        module = "tests.support.lease_worker"
        self.running.append(
            subprocess.Popen(
                [sys.executable, "-m", module, self._server.url, self._leaf, str(journal), name],
                env=environment(COSTGRAPH_KEY=self._server.admin_key),
                cwd=Path(__file__).parents[2],
            )
        )

    def kill(self, chance: random.Random) -> None:
        victim = self.running.pop(chance.randrange(len(self.running)))
        victim.kill()
        victim.wait()

    def end(self) -> None:
        for each in self.running:
            each.terminate()
        try:
            # One that had hardly begun knows no signals yet.
            assert {each.wait(120) for each in self.running} <= {0, -signal.SIGTERM}
        finally:
            for each in self.running:
                each.kill()
                each.wait()

    def journal(self, what: str) -> dict[str, int]:
        """Operations that were sent, or acknowledged, each with its cost."""
        found: dict[str, int] = {}
        for path in self._folder.glob("*.journal"):
            for line in path.read_text().splitlines():
                said, operation, cost = line.split()
                if said == what:
                    assert found.setdefault(operation, int(cost)) == int(cost)
        return found


class Watch(threading.Thread):
    """Looks at the root all the time: the limit is never passed."""

    def __init__(self, server: ServerProcess, budget: str) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._budget = budget
        self.stop = threading.Event()
        self.looks = 0
        self.most = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        with self._server.client() as client:
            while not self.stop.is_set():
                used, held, _ = standing(client, self._budget)
                total = int((Decimal(used) + Decimal(held)) * NANO)
                self.looks += 1
                self.most = max(self.most, total)
                if total > LIMIT_NANO:
                    self.wrong.append(f"{used} + {held}")
                time.sleep(0.02)


def test_16_clients_that_are_killed_leave_exact_books_and_pass_no_limit(
    client: Client, server: ServerProcess, name: str, tmp_path: Path
) -> None:
    leaf, chance = make_path(client, name, money(LIMIT_NANO)), random.Random(16)
    fleet, watch = Fleet(server, leaf, tmp_path), Watch(server, f"{name}-0")
    watch.start()
    try:
        for _ in range(WORKERS):
            fleet.start()
        eventually(lambda: len(fleet.journal("acknowledged")) > 100, 120)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.6))
            fleet.kill(chance)
            fleet.start()
            if chance.random() < 0.3:
                agree(client, f"{name}-0")
        # What the dead held comes back, and the living use the limit up, or what is left of it.
        eventually(lambda: LIMIT_NANO - spent(client, f"{name}-0") < CHUNK_NANO, 120)
    finally:
        fleet.end()
        watch.stop.set()
        watch.join()
    eventually(lambda: standing(client, f"{name}-0")[1] == "0", TTL_SECONDS + 10)
    assert watch.wrong == []
    assert watch.looks > 50
    assert watch.most > LIMIT_NANO - CHUNK_NANO, "the limit was in the way"
    sent, acknowledged = fleet.journal("sent"), fleet.journal("acknowledged")
    charged = spent(client, f"{name}-0")
    assert sum(acknowledged.values()) <= charged <= sum(sent.values())
    assert charged <= LIMIT_NANO
    assert acknowledged.keys() <= sent.keys()
    total = client.data(TOTAL, id=f"{name}-0")["budget"]["rollup"]["total"]
    assert total["totalCost"] == money(charged)
    assert len(acknowledged) <= total["operations"] <= len(sent)
    for level in range(4):
        assert standing(client, f"{name}-{level}")[:2] == (money(charged), "0")
    agree(client, f"{name}-0")
