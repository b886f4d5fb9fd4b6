"""Webhooks on real servers, on both engines, against a real receiver that fails in every way."""

import time
from collections.abc import Generator
from itertools import groupby
from pathlib import Path

import pytest

from graph.engines import Connection
from tests.server.test_rest_usage import usage
from tests.support.hooks import CREATE, SETTINGS, Hook
from tests.support.outside import Behaviour, Outside, outside, raw, saying
from tests.support.servers import Client, ServerProcess, eventually, on_engine

CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
PAUSES = 12
LETTERS_MAX = 5
RETRIES = {
    "COSTGRAPH_WEBHOOK_RETRY_SECONDS": ",".join(["0.05"] * PAUSES),
    "COSTGRAPH_WEBHOOK_DEAD_LETTERS": str(LETTERS_MAX),
}


@pytest.fixture(scope="module", params=["arcadedb", "neo4j"])
def hooking(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    """A server that may send to loopback, and tries again quickly."""
    engine: Connection | None = request.getfixturevalue("webhook_neo4j") if request.param == "neo4j" else None
    folder: Path = tmp_path_factory.mktemp("hooking") / "data"
    with ServerProcess({**on_engine(folder, engine), **SETTINGS, **RETRIES}) as running:
        yield running


@pytest.fixture
def caller(hooking: ServerProcess) -> Generator[Client]:
    with hooking.client() as client:
        yield client


@pytest.fixture(scope="module")
def receiver() -> Generator[Outside]:
    with outside() as running:
        yield running


@pytest.fixture
def tree(caller: Client, name: str) -> str:
    """A root with a limit, and a budget below it."""
    for budget, parent, amount in ((name, None, "0.01"), (f"{name}-a", name, "1")):
        said = {"budgetId": budget, "parentBudgetId": parent, "budgetType": "CUSTOM", "amount": amount}
        caller.data(CREATE_BUDGET, input=said)
    return name


def record(client: Client, operation: str, budget: str) -> None:
    assert client.post("/v1/usage", json=usage(operation, budget_id=budget)).status_code == 201


def operations(hook: Hook) -> list[str]:
    """The operations that were told of, in order."""
    return [each["data"]["operation_id"] for each in hook.events if each["type"] == "cost.recorded"]


def test_what_happens_is_sent_signed_and_in_order(caller: Client, receiver: Outside, tree: str) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree)
    for number in range(4):
        record(caller, f"{tree}-{number}", f"{tree}-a")
    eventually(lambda: len(hook.taken) == 6)
    events = hook.events
    types = [each["type"] for each in events]
    assert sorted(types) == ["budget.exceeded", "budget.warning", *["cost.recorded"] * 4]
    assert types.index("budget.warning") < types.index("budget.exceeded")
    assert operations(hook) == [f"{tree}-{number}" for number in range(4)]
    ids = [each["data"]["event_id"] for each in events]
    assert ids == sorted(set(ids))
    first = events[0]["data"]
    assert {name: first[name] for name in ("agent_id", "budget_id", "total_cost", "currency")} == {
        "agent_id": f"{tree}-0-agent",
        "budget_id": f"{tree}-a",
        "total_cost": "0.0035",
        "currency": "USD",
    }
    exceeded = next(each["data"] for each in events if each["type"] == "budget.exceeded")
    assert (exceeded["budget_id"], exceeded["budget_amount"], exceeded["threshold"]) == (tree, "0.01", 1.0)
    assert hook.shown()["lastError"] is None


def test_an_endpoint_gets_the_types_and_the_subtree_that_it_asked_for(
    caller: Client, receiver: Outside, tree: str
) -> None:
    above = Hook(caller, receiver, f"/{tree}/above", budgetId=tree, types=["budget.exceeded"])
    below = Hook(caller, receiver, f"/{tree}/below", budgetId=f"{tree}-a")
    for number in range(4):
        record(caller, f"{tree}-{number}", (tree, f"{tree}-a")[number % 2])
    eventually(lambda: len(above.taken) == 1 and len(below.taken) == 2)
    assert [each["type"] for each in above.events] == ["budget.exceeded"]
    assert operations(below) == [f"{tree}-1", f"{tree}-3"]


def failures(receiver: Outside) -> dict[str, Behaviour]:
    """The ways to fail, and the code of each."""
    return {
        "STATUS: answered 500": saying(b"no", "500 Internal Server Error"),
        "STATUS: answered 404": saying(b"no", "404 Not Found"),
        "STATUS: answered 429": saying(b"", "429 Too Many Requests", Retry_After="1"),
        "REDIRECT": saying(b"", "302 Found", Location="http://127.0.0.1:1/"),
        "SIZE": saying(b"x" * 100_000),
        "ANSWER": raw(b"nonsense\r\n\r\n"),
        "ANSWER ": raw(b""),
        "ANSWER  ": saying(b"short", length=50),
        "TIMEOUT": receiver.silent(),
        "TIMEOUT ": receiver.dripping(b"HTTP/1.1 200 OK\r\nX-Slow: yes\r\n"),
    }


def test_whatever_an_endpoint_does_it_is_tried_again_and_order_is_kept(
    caller: Client, receiver: Outside, tree: str
) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree, types=["cost.recorded"])
    ways = failures(receiver)
    hook.failing = list(ways.values())
    seen: list[str] = []
    for number in range(3):
        record(caller, f"{tree}-{number}", tree)

    def done() -> bool:
        error = hook.shown()["lastError"]
        if error is not None:
            seen.append(error)
        return len(hook.taken) == 3

    eventually(done, 120)
    assert operations(hook) == [f"{tree}-{number}" for number in range(3)]
    assert hook.tries == len(ways) + 3
    codes = [code for code, _ in groupby(each.partition(":")[0] for each in seen)]
    assert {"TIMEOUT"} <= set(codes) <= {each.strip().partition(":")[0] for each in ways}
    ids = {asked.headers["webhook-id"] for asked in receiver.asked if asked.path == f"/{tree}"}
    assert len(ids) == 3


def test_what_is_never_taken_is_a_dead_letter_and_can_be_sent_again(
    caller: Client, receiver: Outside, tree: str
) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree, types=["cost.recorded"])
    hook.always = saying(b"", "500 Internal Server Error")
    for number in range(3):
        record(caller, f"{tree}-{number}", tree)
    eventually(lambda: len(hook.letters()) == 3, 120)
    assert hook.tries == 3 * (PAUSES + 1)
    letters = hook.letters()
    assert [each["attempts"] for each in letters] == [PAUSES + 1] * 3
    assert {(each["type"], each["error"]) for each in letters} == {("cost.recorded", "STATUS: answered 500")}
    replay = (
        "mutation($id: ID!, $events: [ID!])"
        " { replayDeadLetters(endpointId: $id, eventIds: $events) { count } }"
    )
    last = letters[0]["eventId"]
    hook.failing = [saying(b"", "503 Service Unavailable")]
    hook.always = None
    for attempts in (PAUSES + 2, None):
        assert caller.data(replay, id=hook.endpoint_id, events=[last])["replayDeadLetters"]["count"] == 1

        def replayed(attempts: int | None = attempts) -> bool:
            found = [each for each in hook.letters() if each["eventId"] == last]
            return [each["attempts"] for each in found] == ([] if attempts is None else [attempts])

        eventually(replayed)
    assert caller.data(replay, id=hook.endpoint_id, events=None)["replayDeadLetters"]["count"] == 2
    eventually(lambda: hook.letters() == [])
    assert operations(hook) == [f"{tree}-2", f"{tree}-0", f"{tree}-1"]
    record(caller, f"{tree}-3", tree)
    eventually(lambda: operations(hook)[-1] == f"{tree}-3")


def test_an_endpoint_that_takes_nothing_is_disabled_and_misses_nothing(
    caller: Client, receiver: Outside, tree: str
) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree, types=["cost.recorded"])
    hook.always = saying(b"", "500 Internal Server Error")
    for number in range(LETTERS_MAX + 2):
        record(caller, f"{tree}-{number}", tree)
    eventually(lambda: not hook.shown()["enabled"], 120)
    assert hook.shown()["lastError"] == f"DISABLED: {LETTERS_MAX} dead letters"
    assert len(hook.letters()) == LETTERS_MAX
    tries = hook.tries
    hook.always = None
    time.sleep(1)
    assert (hook.tries, hook.taken) == (tries, [])
    update = "mutation($i: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $i) { enabled } }"
    caller.data(update, i={"endpointId": hook.endpoint_id, "enabled": True})
    eventually(lambda: len(hook.taken) == 2)
    caller.data("mutation($id: ID!) { replayDeadLetters(endpointId: $id) { count } }", id=hook.endpoint_id)
    eventually(lambda: hook.letters() == [])
    assert sorted(operations(hook)) == [f"{tree}-{number}" for number in range(LETTERS_MAX + 2)]


def test_after_a_rotation_both_secrets_sign(caller: Client, receiver: Outside, tree: str) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree, types=["cost.recorded"])
    rotate = "mutation($id: ID!) { rotateWebhookSecret(endpointId: $id) { secret } }"
    hook.secrets.append(caller.data(rotate, id=hook.endpoint_id)["rotateWebhookSecret"]["secret"])
    record(caller, f"{tree}-0", tree)
    eventually(lambda: len(hook.taken) == 1)
    assert len(hook.taken[0].headers["webhook-signature"].split(" ")) == 2
    assert operations(hook) == [f"{tree}-0"]


def test_one_that_is_gone_is_disabled_and_gets_what_it_missed_when_it_is_back(
    caller: Client, receiver: Outside, tree: str
) -> None:
    hook = Hook(caller, receiver, f"/{tree}", budgetId=tree, types=["cost.recorded"])
    hook.failing = [saying(b"", "410 Gone")]
    record(caller, f"{tree}-0", tree)
    eventually(lambda: not hook.shown()["enabled"])
    assert hook.shown()["lastError"] == "STATUS: answered 410"
    record(caller, f"{tree}-1", tree)
    time.sleep(1)
    assert hook.taken == []
    update = (
        "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { enabled } }"
    )
    caller.data(update, input={"endpointId": hook.endpoint_id, "enabled": True})
    eventually(lambda: len(hook.taken) == 2)
    assert operations(hook) == [f"{tree}-0", f"{tree}-1"]
    delete = "mutation($id: ID!) { deleteWebhookEndpoint(endpointId: $id) { url } }"
    caller.data(delete, id=hook.endpoint_id)
    answer = caller.ask(delete, id=hook.endpoint_id)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


PRIVATE = [
    "http://example.com/",
    "https://127.0.0.1/",
    "https://10.1.2.3/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://user:password@example.com/",
    "ftp://example.com/",
    "nonsense",
    f"https://example.com/{'x' * 3_000}",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_addresses_that_nothing_is_sent_to_are_refused(client: Client, url: str) -> None:
    (error,) = client.ask(CREATE, input={"url": url})["errors"]
    assert error["extensions"] == {"code": "INVALID", "field": "url"}


def test_a_name_that_leads_inside_gets_nothing(
    client: Client, server: ServerProcess, receiver: Outside, name: str
) -> None:
    client.data(CREATE_BUDGET, input={"budgetId": name, "budgetType": "CUSTOM", "amount": "1"})
    said = {"url": f"https://localhost:{receiver.port}/{name}", "budgetId": name}
    made = client.data(CREATE, input=said)["createWebhookEndpoint"]["endpoint"]["endpointId"]
    record(client, f"{name}-0", name)

    def refused() -> bool:
        nodes = client.data("{ webhookEndpoints(first: 100) { nodes { endpointId lastError } } }")
        errors = {each["endpointId"]: each["lastError"] for each in nodes["webhookEndpoints"]["nodes"]}
        return (errors[made] or "").startswith("ADDRESS: ")

    eventually(refused)
    assert [asked for asked in receiver.asked if asked.path == f"/{name}"] == []
    delete = "mutation($id: ID!) { deleteWebhookEndpoint(endpointId: $id) { url } }"
    client.data(delete, id=made)
