"""Subscriptions on real servers, on both engines: what is told, to whom, and how a conversation ends."""

import os
import signal
import socket
import time
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from server.conversation import SUBSCRIPTIONS_MAX
from tests.server.test_rest_usage import usage
from tests.support.following import BUDGET_EVENTS, COST_RECORDED, Following, close_code_of, open_socket
from tests.support.servers import Client, ServerProcess, eventually, on_engine

CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret key { keyId } } }"
STATUS = "subscription($id: ID!) { budgetStatus(budgetId: $id) { spent reserved state limits { spent } } }"


@pytest.fixture
def tree(client: Client, name: str) -> str:
    """A root with a limit, and two budgets below it."""
    for budget, parent, amount in ((name, None, "0.01"), (f"{name}-a", name, "1"), (f"{name}-b", name, "1")):
        said = {"budgetId": budget, "parentBudgetId": parent, "budgetType": "CUSTOM", "amount": amount}
        client.data(CREATE_BUDGET, input=said)
    return name


@pytest.fixture
def following(server: ServerProcess) -> Generator[Following]:
    with Following(server.url, server.admin_key) as opened:
        yield opened


def new_key(client: Client, **fields: Any) -> dict[str, Any]:
    return client.data(CREATE_KEY, input={"name": "test", "role": "VIEWER", **fields})["createApiKey"]


def record(client: Client, operation: str, budget: str) -> None:
    assert client.post("/v1/usage", json=usage(operation, budget_id=budget)).status_code == 201


def test_what_is_recorded_is_told(client: Client, following: Following, tree: str) -> None:
    following.subscribe(COST_RECORDED, budgetId=tree)
    following.settle()
    started = time.monotonic()
    record(client, f"{tree}-1", f"{tree}-a")
    told = following.next()
    assert time.monotonic() - started < 5
    event_id, timestamp = told.pop("eventId"), told.pop("timestamp")
    assert event_id.startswith("default/")
    assert timestamp.endswith("Z")
    assert told == {
        "operationId": f"{tree}-1",
        "agentId": f"{tree}-1-agent",
        "budgetId": f"{tree}-a",
        "totalCost": "0.0035",
        "currency": "USD",
        "kind": "USAGE",
    }


def test_a_pong_waits_for_the_place_of_what_was_subscribed_before(data_dir: Path) -> None:
    """The engine stands still meanwhile, so that the place takes as long as it likes."""
    with (
        ServerProcess(on_engine(data_dir)) as server,
        server.client() as client,
        Following(server.url, server.admin_key) as following,
    ):
        engine = server.engine()["pid"]
        os.kill(engine, signal.SIGSTOP)
        try:
            following.subscribe(COST_RECORDED)
            following.send({"type": "ping"})
            with pytest.raises(TimeoutError):
                following.receive(1)
        finally:
            os.kill(engine, signal.SIGCONT)
        assert following.receive() == {"type": "pong"}
        record(client, "told", "unattributed")
        assert following.next()["operationId"] == "told"


def test_budgets_that_reach_a_threshold_are_told_by_type(
    client: Client, following: Following, tree: str
) -> None:
    following.subscribe(BUDGET_EVENTS, "exceeded", types=["BUDGET_EXCEEDED"])
    following.settle()
    for number in range(3):
        record(client, f"{tree}-{number}", f"{tree}-a")
    told = following.next()
    while told["budgetId"] != tree:
        told = following.next()
    assert (told["type"], told["threshold"], told["currency"]) == ("BUDGET_EXCEEDED", 1.0, "USD")
    assert (told["currentUsage"], told["budgetAmount"]) == ("0.0105", "0.01")
    assert told["percentageUsed"] == pytest.approx(1.05)


def test_nothing_is_missed_from_a_place_on(client: Client, server: ServerProcess, tree: str) -> None:
    with Following(server.url, server.admin_key) as first:
        first.subscribe(COST_RECORDED, budgetId=tree)
        first.settle()
        record(client, f"{tree}-0", f"{tree}-a")
        seen = first.next()["eventId"]
    for number in range(1, 8):
        record(client, f"{tree}-{number}", f"{tree}-{'ab'[number % 2]}")
    with Following(server.url, server.admin_key) as second:
        second.subscribe(COST_RECORDED, budgetId=tree, after=seen)
        told = [second.next() for _ in range(7)]
    assert [each["operationId"] for each in told] == [f"{tree}-{number}" for number in range(1, 8)]
    assert sorted(each["eventId"] for each in told) == [each["eventId"] for each in told]


@pytest.mark.parametrize(
    "after", ["", "7", "default/7", "other/0000000000000001", "default/9999999999999999"]
)
def test_a_place_that_is_none_is_refused(following: Following, after: str) -> None:
    following.subscribe(COST_RECORDED, after=after)
    message = following.receive()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"] == {"code": "INVALID", "field": "after"}


def test_a_confined_key_is_told_of_its_subtree_alone(
    client: Client, server: ServerProcess, tree: str
) -> None:
    secret = new_key(client, budgetId=f"{tree}-a")["secret"]
    with Following(server.url, secret) as confined:
        confined.subscribe(COST_RECORDED, "costs")
        confined.subscribe(BUDGET_EVENTS, "events")
        confined.settle()
        for number in range(4):
            record(client, f"{tree}-b{number}", f"{tree}-b")  # the root is exceeded by these
        record(client, f"{tree}-a0", f"{tree}-a")
        told = confined.receive()
        assert (told["id"], told["payload"]["data"]["costRecorded"]["operationId"]) == ("costs", f"{tree}-a0")
        with pytest.raises(TimeoutError):
            confined.receive(1)
        for budget in (tree, f"{tree}-b", "nowhere"):
            confined.subscribe(COST_RECORDED, budget, budgetId=budget)
            message = confined.receive()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
            assert budget in message["payload"][0]["message"]


def test_another_tenant_is_told_nothing(client: Client, server: ServerProcess, tree: str) -> None:
    secret = new_key(client, tenant=f"{tree}-other", role="ADMIN")["secret"]
    with Following(server.url, secret) as stranger:
        stranger.subscribe(COST_RECORDED, "costs")
        stranger.settle()
        record(client, f"{tree}-a", f"{tree}-a")
        with pytest.raises(TimeoutError):
            stranger.receive(1)


def test_a_status_is_told_now_and_when_it_changed(client: Client, following: Following, tree: str) -> None:
    following.subscribe(STATUS, id=tree)
    told = [following.next()]
    assert (told[0]["spent"], told[0]["state"]) == ("0", "OK")
    record(client, f"{tree}-1", f"{tree}-b")
    assert following.next()["spent"] == "0.0035"
    held = {"idempotency_key": tree, "agent_id": tree, "budget_id": f"{tree}-a", "amount": "0.001"}
    assert client.post("/v1/reservations", json=held).status_code == 201
    assert following.next()["reserved"] == "0.001"
    for number in range(2, 5):
        record(client, f"{tree}-{number}", f"{tree}-b")
    while told[-1]["state"] != "EXCEEDED":
        told.append(following.next())
    assert Decimal(told[-1]["spent"]) >= Decimal("0.01")


def test_a_status_of_a_budget_that_is_not_seen_is_refused(following: Following) -> None:
    following.subscribe(STATUS, id="nowhere")
    message = following.receive()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")


def test_a_revoked_key_is_cut_off_within_5_seconds(client: Client, server: ServerProcess, tree: str) -> None:
    made = new_key(client)
    with Following(server.url, made["secret"]) as following:
        following.subscribe(COST_RECORDED)
        following.settle()
        time.sleep(2)  # it was looked up long ago
        client.data("mutation($id: ID!) { revokeApiKey(keyId: $id) { keyId } }", id=made["key"]["keyId"])
        started = time.monotonic()
        assert following.close_code() == 4401
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "payload", [None, {}, {"authorization": "Bearer cg_guessed"}, {"authorization": 7}, []]
)
def test_without_a_known_key_nothing_begins(server: ServerProcess, payload: object) -> None:
    with open_socket(server.url) as connection:
        connection.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        assert close_code_of(connection) == 4403


SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": COST_RECORDED}}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b"\x00\x01"], 4400),
        (["no json"], 4400),
        (["[1]"], 4400),
        (["{}"], 4400),
        ([orjson.dumps({"type": "unheard-of"}).decode()], 4400),
        ([orjson.dumps(SUBSCRIBE).decode()], 4401),
        (["9" * 300_000], 1009),
    ],
)
def test_frames_that_make_no_sense_end_the_conversation(
    server: ServerProcess, frames: list[str | bytes], code: int
) -> None:
    with open_socket(server.url) as connection:
        for frame in frames:
            connection.send(frame)
        assert close_code_of(connection) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init"}, 4429),
        ({"type": "subscribe", "id": "", "payload": {"query": COST_RECORDED}}, 4400),
        ({"type": "subscribe", "id": 7, "payload": {"query": COST_RECORDED}}, 4400),
        ({"type": "subscribe", "id": "2", "payload": "text"}, 4400),
        ({"type": "subscribe", "id": "2"}, 4400),
        (SUBSCRIBE, 4409),
    ],
)
def test_messages_that_break_the_protocol_end_the_conversation(
    following: Following, message: object, code: int
) -> None:
    following.subscribe(COST_RECORDED, "1")
    following.send(message)
    assert following.close_code() == code


@pytest.mark.parametrize(
    "query", ["{ __typename }", "subscription { nothing }", "subscription {", "mutation { a }"]
)
def test_what_is_no_subscription_is_refused(following: Following, query: str) -> None:
    following.subscribe(query)
    message = following.receive()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INVALID")
    following.settle()


def test_raw_rubbish_harms_nobody_else(client: Client, server: ServerProcess, following: Following) -> None:
    following.subscribe(COST_RECORDED)
    following.settle()
    handshake = (
        b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    for rubbish in (
        b"\xff" * 64,
        b"\x81\x05hello",
        b"\x88\x80\x00",
        b"\x81\xff" + b"\xff" * 8,
        b"\x8f\x80abcd",
    ):
        with socket.create_connection(address) as raw:
            raw.sendall(handshake)
            assert b"101" in raw.recv(4096)
            raw.sendall(rubbish)
    following.settle()
    record(client, f"rubbish-{time.time_ns()}", "unattributed")
    assert following.next()["kind"] == "USAGE"


def test_a_connection_follows_so_many_subscriptions(following: Following) -> None:
    for number in range(SUBSCRIPTIONS_MAX + 1):
        following.subscribe(COST_RECORDED, str(number))
    message = following.receive()
    assert (message["id"], message["type"]) == (str(SUBSCRIPTIONS_MAX), "error")
    following.send({"id": "0", "type": "complete"})
    following.settle()
    following.subscribe(COST_RECORDED, "again")
    following.settle()


def test_pages_of_other_sites_may_not_connect(server: ServerProcess) -> None:
    for origin in ("https://elsewhere.example", "null", "http://127.0.0.1"):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(server.url, origin=origin)
        assert refused.value.response.status_code == 403
    with open_socket(server.url, origin=server.url):
        pass


def test_another_protocol_is_not_spoken(server: ServerProcess) -> None:
    with open_socket(server.url, subprotocols=None) as connection:
        assert close_code_of(connection) == 4406


def test_who_never_begins_is_not_waited_for(server: ServerProcess) -> None:
    with open_socket(server.url) as connection:
        started = time.monotonic()
        assert close_code_of(connection) == 4408
        assert 8 < time.monotonic() - started < 15


def test_connections_are_counted_while_they_are_open(
    client: Client, server: ServerProcess, following: Following
) -> None:
    def counted() -> float:
        (line,) = [
            each
            for each in client.get("/metrics").text.splitlines()
            if each.startswith("costgraph_websockets ")
        ]
        return float(line.split()[1])

    before = counted()
    with Following(server.url, server.admin_key):
        assert counted() == before + 1
    eventually(lambda: counted() == before)


def test_a_server_that_stops_says_so_and_does_not_wait_for_subscribers(data_dir: Path) -> None:
    with (
        ServerProcess(on_engine(data_dir)) as stopping,
        Following(stopping.url, stopping.admin_key) as following,
    ):
        following.subscribe(COST_RECORDED)
        following.settle()
        started = time.monotonic()
        assert stopping.stop() == 0
        assert time.monotonic() - started < 15
        assert following.close_code() == 1012
