"""Reservations through the death of servers and engines: nothing acknowledged is lost or charged twice.

Clients repeat what was not answered until it is, as a runtime would; in the meantime servers are killed at
random, and then the engine. The money is compared with what the clients were told.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.test_limits_hold import CHECK, NANO, books_agree, make_path, money
from tests.server.test_rest_reservations import called, standing, wanted
from tests.support import neo4j as neo4j_support
from tests.support.servers import Client, ServerProcess, eventually, on_engine

FULL = bool(os.environ.get("COSTGRAPH_TEST_FULL"))
CLIENTS = 64 if FULL else 12
SERVER_KILLS = 30 if FULL else 3
ENGINE_KILLS = 10 if FULL else 1
LIMIT = 100_000
SHORT_TTL_SECONDS = 2
LONG_TTL_SECONDS = 3_600


class Site:
    """Servers on one engine, each of which can die and come back where it was."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._neo4j = neo4j_support.Neo4jProcess(folder / "neo4j") if kind == "neo4j" else None
        count = 1 if self._neo4j is None else 4 if FULL else 2
        self.servers = [ServerProcess(self._settings(number)) for number in range(count)]
        self._ports = [int(each.url.rpartition(":")[2]) for each in self.servers]
        self.key = self.servers[0].admin_key

    def _settings(self, number: int) -> dict[str, str]:
        return on_engine(
            self._folder / f"data{number}", None if self._neo4j is None else self._neo4j.connection
        )

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self._ports[number % len(self._ports)]}"

    def kill_server(self, number: int) -> None:
        """SIGKILL, and another in its place."""
        self.servers[number].kill()
        self.servers[number] = ServerProcess(self._settings(number), port=self._ports[number])

    def kill_engine(self) -> None:
        """SIGKILL; the embedded one is started again by its server, Neo4j by its operator: us."""
        if self._neo4j is None:
            os.kill(self.servers[0].engine()["pid"], signal.SIGKILL)
            return
        self._neo4j.kill()
        time.sleep(0.3)
        self._neo4j = neo4j_support.Neo4jProcess(self._folder / "neo4j", self._neo4j.port)

    def client(self) -> Client:
        return Client(self.url(0), self.key)

    def close(self) -> None:
        for server in self.servers:
            if server.process.poll() is None:
                server.stop()
        if self._neo4j is not None:
            self._neo4j.stop()


class Ledger:
    """What the clients were told."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.charged: dict[str, tuple[str, int]] = {}
        """By operation: the reservation that it was settled on, and its cost."""
        self.left: list[str] = []
        """Reservations that nobody ended: they must expire."""
        self.held: list[str] = []
        self.surprises: list[str] = []


@pytest.fixture(params=["arcadedb", "neo4j"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Site]:
    if request.param == "neo4j" and (reason := neo4j_support.missing()):
        pytest.skip(reason)
    running = Site(tmp_path, request.param)
    yield running
    running.close()


def insist(client: Client, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send it again until somebody answers."""
    until = time.monotonic() + 120
    while True:
        try:
            answer = client.post(path, json=body)
            if answer.status_code != 503:
                return answer
        except httpx.TransportError:
            pass
        assert time.monotonic() < until, f"nobody answers {path}"
        time.sleep(0.05)


def work(site: Site, told: Ledger, leaf: str, number: int, stop: threading.Event) -> None:
    """Reserve, then settle, release or leave; until it is time to stop."""
    chance, round_ = random.Random(number), 0
    with Client(site.url(number), site.key) as client:
        while not stop.is_set():
            round_ += 1
            key, fate = f"{leaf}-{number}-{round_}", chance.random()
            ttl = SHORT_TTL_SECONDS if fate < 0.2 else LONG_TTL_SECONDS
            asked = chance.randrange(1, NANO)
            said = wanted(key, leaf, amount=money(asked), ttl_seconds=ttl)
            answer = insist(client, "/v1/reservations", said)
            if answer.status_code not in {200, 201}:
                told.surprises.append(f"{key}: {answer.text}")
                continue
            held = answer.json()["reservation_id"]
            with told.guard:
                told.held.append(held)
            if fate < 0.2:
                told.left.append(held)
            elif fate < 0.4:
                insist(client, f"/v1/reservations/{held}/release", {})
            else:
                _settle(client, told, leaf, key, held, chance.randrange(asked))


def _settle(client: Client, told: Ledger, leaf: str, key: str, held: str, cost: int) -> None:
    body = {"usages": [called(leaf, key, provider_cost=money(cost))]}
    answer = insist(client, f"/v1/reservations/{held}/settle", body)
    if answer.status_code != 200:
        told.surprises.append(f"{key}: {answer.text}")
        return
    with told.guard:
        told.charged[key] = (held, cost)


def test_nothing_acknowledged_is_lost_and_nothing_is_charged_twice(site: Site, name: str) -> None:
    told, stop, chance = Ledger(), threading.Event(), random.Random(7)
    with site.client() as client:
        leaf = make_path(client, name, f"{LIMIT}")
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(work, site, told, leaf, number, stop) for number in range(CLIENTS)]
        try:
            for kill in range(SERVER_KILLS + ENGINE_KILLS):
                time.sleep(chance.uniform(0.3, 1.5))
                if kill % (SERVER_KILLS // ENGINE_KILLS + 1):
                    site.kill_server(chance.randrange(len(site.servers)))
                else:
                    site.kill_engine()
                _progress(told)
                _agree(site, name)
        finally:
            stop.set()
        for each in running:
            each.result()
    assert told.surprises == []
    _compare(site, told, name, leaf)


def _progress(told: Ledger) -> None:
    """Work goes on after every death."""
    before = len(told.charged)
    eventually(lambda: len(told.charged) > before, 120)


def _agree(site: Site, name: str) -> None:
    """The books agree while they are written, whoever has just died."""

    def checked() -> bool:
        try:
            with site.client() as client:
                answer = client.ask(CHECK, id=f"{name}-0")
        except httpx.TransportError:
            return False
        if "errors" in answer:
            assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE", answer
            return False
        assert answer["data"]["ledgerCheck"] == {"ok": True, "findings": []}
        return True

    eventually(checked, 120)


def _compare(site: Site, told: Ledger, name: str, leaf: str) -> None:
    total = sum(cost for _, cost in told.charged.values())
    assert min(len(told.charged), len(told.left)) > 0
    with site.client() as client:
        # What nobody ended has expired by itself, and everything else was given back.
        eventually(lambda: standing(client, f"{name}-0")[1] == "0", SHORT_TTL_SECONDS + 10)
        for level in range(4):
            assert standing(client, f"{name}-{level}")[0] == money(total)
        assert Decimal(money(total)) < LIMIT
        _each(told.left, lambda held: client.get(f"/v1/reservations/{held}").json()["state"], "EXPIRED")
        _each(told.held, lambda held: client.get(f"/v1/reservations/{held}").status_code, 200)
        found = client.data(
            "query($id: ID!) { budget(budgetId: $id) { rollup { total { operations totalCost } } } }",
            id=f"{name}-0",
        )["budget"]["rollup"]["total"]
        assert (found["operations"], found["totalCost"]) == (len(told.charged), money(total))

        def settled_again(key: str) -> list[bool]:
            held, cost = told.charged[key]
            body = {"usages": [called(leaf, key, provider_cost=money(cost))]}
            again = client.post(f"/v1/reservations/{held}/settle", json=body).json()
            return [each["duplicate"] for each in again["results"]]

        _each(told.charged, settled_again, [True])
        assert standing(client, f"{name}-0")[0] == money(total)
        books_agree(client, name)


def _each(names: Iterable[str], ask: Callable[[str], object], expected: object) -> None:
    """Some thousands of answers, several at a time."""
    with ThreadPoolExecutor(16) as pool:
        for name, found in zip(names, pool.map(ask, names), strict=True):
            assert found == expected, name
