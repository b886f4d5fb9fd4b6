"""Subscribers over two servers on one Neo4j, while servers die and one reader dawdles: nothing is missed.

Clients at both servers record operations until each is acknowledged; subscribers of all kinds follow at both,
reconnect wherever a server is, and go on from the last event that they saw. In the end the books say what
there was to be told.
"""

import os
import socket
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from graph.engines import Connection
from graph.events import EventStream
from tests.server.test_rest_usage import usage
from tests.support.following import BUDGET_EVENTS, COST_RECORDED, Collector, Following
from tests.support.servers import Client, ServerProcess, on_engine

FULL = bool(os.environ.get("COSTGRAPH_TEST_FULL"))
OPERATIONS = 10_000 if FULL else 3_000
BATCH = 20
CLIENTS = 4
KILLS = 3 if FULL else 2
CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }"
MANY = " ".join(f"{'a' * 200}{number}: eventId" for number in range(50))
WIDE = f"subscription($after: ID) {{ costRecorded(after: $after) {{ eventId {MANY} }} }}"
"""A message of 12 KiB: what nobody reads fills the buffers in between."""
DAWDLE_SECONDS = 25
"""Longer than a server waits for a reader, and shorter than until it cuts the line."""


class Pair:
    """Two servers on one Neo4j; either can be killed, and comes back on its port."""

    def __init__(self, folder: Path, neo4j: Connection) -> None:
        self._settings = [on_engine(folder / name, neo4j) for name in "ab"]
        self.servers = [ServerProcess(each) for each in self._settings]
        self.urls = [each.url for each in self.servers]
        self.key = self.servers[0].admin_key

    def kill(self, number: int) -> None:
        """SIGKILL, and another in its place."""
        self.servers[number].kill()
        port = int(self.urls[number].rpartition(":")[2])
        self.servers[number] = ServerProcess(self._settings[number], port=port)

    def close(self) -> None:
        for server in self.servers:
            server.stop()


@pytest.fixture
def pair(server_neo4j: Connection, tmp_path: Path) -> Generator[Pair]:
    opened = Pair(tmp_path, server_neo4j)
    yield opened
    opened.close()


def place_of(pair: Pair) -> str:
    """The tenant's last event by now."""
    with pair.servers[0].database() as database:
        return f"default/{EventStream(database).head('default').seq:016d}"


def record(pair: Pair, name: str, begin: int) -> None:
    """A batch, sent again until it is acknowledged, to whichever server is there."""
    rows = [
        usage(f"{name}-{number}", agent_id=name, budget_id=f"{name}-{number % 2}")
        for number in range(begin, begin + BATCH)
    ]
    for attempt in range(10_000):
        try:
            with Client(pair.urls[(begin // BATCH + attempt) % 2], pair.key) as client:
                answer = client.post("/v1/usage", json=rows)
            if answer.status_code == 200:
                assert {each["status"] for each in answer.json()["results"]} <= {200, 201}
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError("never acknowledged")


def dawdle(pair: Pair, after: str, codes: list[int | None]) -> Collector:
    """Subscribe and read nothing until the server has had enough; then go on from the place before."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    small.connect(("127.0.0.1", int(pair.urls[1].rpartition(":")[2])))
    collector = Collector([pair.urls[1]], pair.key, COST_RECORDED, after)
    with Following(pair.urls[1], pair.key, sock=small, max_queue=1, ping_interval=None) as following:
        following.subscribe(WIDE, after=after)
        time.sleep(DAWDLE_SECONDS)
        try:
            while True:
                collector.after = following.next()["eventId"]
                collector.events.append({"eventId": collector.after})
        except ConnectionClosed as closed:
            codes.append(None if closed.rcvd is None else closed.rcvd.code)
    collector.start()
    return collector


def test_each_event_is_seen_in_order_and_none_is_missed(pair: Pair, name: str) -> None:
    with Client(pair.urls[0], pair.key) as client:
        for budget, parent, amount in ((name, None, "2"), (f"{name}-0", name, "1"), (f"{name}-1", name, "1")):
            said = {"budgetId": budget, "parentBudgetId": parent, "budgetType": "CUSTOM", "amount": amount}
            client.data(CREATE_BUDGET, input=said)
        said = {"name": name, "role": "VIEWER", "budgetId": f"{name}-1"}
        confined_key = client.data(CREATE_KEY, input=said)["createApiKey"]["secret"]
    after = place_of(pair)
    urls, back = pair.urls, pair.urls[::-1]
    followers = [Collector(each, pair.key, COST_RECORDED, after) for each in (urls, back)]
    confined = Collector(back, confined_key, COST_RECORDED, after)
    warned = Collector(urls, pair.key, BUDGET_EVENTS, after)
    for each in (*followers, confined, warned):
        each.start()
    codes: list[int | None] = []
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        slow = pool.submit(dawdle, pair, after, codes)
        for begun in pool.map(lambda begin: record(pair, name, begin), range(0, OPERATIONS // 2, BATCH)):
            assert begun is None
        late = slow.result()
        killer = threading.Thread(target=lambda: [pair.kill(number % 2) for number in range(KILLS)])
        killer.start()
        list(pool.map(lambda begin: record(pair, name, begin), range(OPERATIONS // 2, OPERATIONS, BATCH)))
        killer.join()
    check(pair, name, after, codes, [*followers, late], confined, warned)


def check(
    pair: Pair,
    name: str,
    after: str,
    codes: list[int | None],
    followers: list[Collector],
    confined: Collector,
    warned: Collector,
) -> None:
    """Compare with the books."""
    with pair.servers[0].database() as database:
        stream = EventStream(database)
        head, begin = stream.head("default").seq, int(after.rpartition("/")[2])
        told = [
            event
            for at in range(begin, head, 1_000)
            for event in stream.read("default", at, min(head, at + 1_000))
        ]
    costs = [f"default/{each.seq:016d}" for each in told if each.type == "cost.recorded"]
    below = [
        f"default/{each.seq:016d}"
        for each in told
        if each.type == "cost.recorded" and each.budget_uid == f"default/{name}-1"
    ]
    events = [f"default/{each.seq:016d}" for each in told if each.type != "cost.recorded"]
    assert len(costs) >= OPERATIONS
    assert len(below) == OPERATIONS // 2
    assert len(events) >= 6
    wanted = [(each, costs) for each in followers] + [(confined, below), (warned, events)]
    for collector, ids in wanted:
        deadline = time.monotonic() + 60
        while len(collector.events) < len(ids) and time.monotonic() < deadline:
            time.sleep(0.05)
        collector.stop()
        assert [each["eventId"] for each in collector.events] == ids
    assert sum(each.breaks for each, _ in wanted) >= KILLS
    assert codes == [4510]
