"""Streams on real servers, on both engines: stopped at a limit, billed once, also when the caller is gone."""

import signal
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.server.test_limits_hold import Servers, books_agree, make_path, money, together
from tests.server.test_rest_reservations import PROBLEM, make, reserve, standing
from tests.support.following import BUDGET_EVENTS, COST_RECORDED, Following
from tests.support.servers import Client, ServerProcess, eventually

GPT_4O = {"model": "gpt-4o", "provider": "openai"}
TOKEN = 10_000
"""Nano-units of a completion token."""
STREAMS, CHUNK = 32, 20


def begin(client: Client, key: str, budget_id: str, **fields: Any) -> str:
    answer = reserve(client, key, budget_id, **fields)
    assert answer.status_code == 201, answer.text
    return f"/v1/reservations/{answer.json()['reservation_id']}/stream"


def send(client: Client, path: str, **said: Any) -> httpx.Response:
    return client.post(path, json={**GPT_4O, **said})


def sent(client: Client, path: str, **said: Any) -> dict[str, Any]:
    answer = send(client, path, **said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_stream_is_billed_as_it_flows_and_ends_with_the_providers_usage(client: Client, name: str) -> None:
    make(client, name, amount="1")
    asked = {"model_id": "gpt-4o", "prompt_tokens": 1000, "max_completion_tokens": 500}
    path = begin(client, name, name, **asked)
    first = sent(client, path, token_count=20, chunk=1, processing_time_ms=120)
    reservation = first.pop("reservation")
    assert first == {
        "operation_id": f"stream/{reservation['reservation_id']}",
        "total_tokens": 20,
        "charged": "0.0027",
        "remaining": "0.0048",
        "overrun": "0",
        "decision": "ALLOW",
        "delay_ms": 0,
        "duplicate": False,
        "late": False,
        "pricing": "PRICED",
        "processing_time_ms": 120,
        "warnings": [],
    }
    assert (reservation["state"], reservation["charged"]) == ("HELD", "0.0027")
    assert sent(client, path, total_tokens=300)["charged"] == "0.0028"
    assert standing(client, name) == ("0.0055", "0.002", "0.9925")
    late = send(client, path, total_tokens=100)
    assert (late.status_code, late.headers["content-type"]) == (409, PROBLEM)
    body = late.json()
    assert (body["code"], body["field"], body["total_tokens"]) == ("STREAM_SHRANK", "total_tokens", 300)
    assert (body["decision"], body["remaining"]) == ("ALLOW", "0.002")
    end = sent(client, path, usage={"prompt_tokens": 1000, "completion_tokens": 250})
    assert (end["charged"], end["total_tokens"], end["reservation"]["state"]) == ("-0.0005", 250, "SETTLED")
    assert standing(client, name) == ("0.005", "0", "0.995")
    after = sent(client, path, total_tokens=310)
    assert (after["charged"], after["duplicate"], after["decision"]) == ("0", True, "DENY")
    checked = client.data("query($id: ID!) { ledgerCheck(budgetId: $id) { ok } }", id=name)
    assert checked["ledgerCheck"]["ok"]
    rollup = client.data(
        "query($id: ID!) { budget(budgetId: $id) "
        "{ rollup { total { operations completionTokens totalCost } } } }",
        id=name,
    )["budget"]["rollup"]["total"]
    assert rollup == {"operations": 1, "completionTokens": 250, "totalCost": "0.005"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"token_count": -1}, "token_count"),
        ({"total_tokens": "20"}, "total_tokens"),
        ({"usage": {}}, "usage"),
        ({"usage": {"budget_id": "x", "completion_tokens": 1}}, "usage.budget_id"),
        ({"model": None}, "model"),
        ({"reservation_id": "x"}, "reservation_id"),
        ({"tokens": 1}, "tokens"),
    ],
)
def test_a_chunk_that_makes_no_sense_names_its_field(
    client: Client, name: str, said: dict[str, Any], field: str
) -> None:
    path = begin(client, name, "unattributed", amount="0.5")
    answer = send(client, path, **said)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "INVALID", field)
    assert sent(client, path)["total_tokens"] == 0
    sent(client, path, final=True)


STREAM = """
mutation($input: StreamInput!) {
  stream(input: $input) {
    __typename
    ... on Streamed { operationId totalTokens charged remaining decision delayMs duplicate pricing
      reservation { state } warnings { code } }
    ... on StreamShrank { message standing { totalTokens decision } }
    ... on OperationConflict { operationId }
  }
}
"""


def test_graphql_says_the_same(client: Client, name: str) -> None:
    make(client, name, amount="1")
    held = begin(client, name, name, amount="0.5").split("/")[3]
    words = {"reservationId": held, **GPT_4O, "operationId": name}

    def stream(**said: Any) -> dict[str, Any]:
        return client.data(STREAM, input={**words, **said})["stream"]

    first = stream(tokenCount=20, chunk=0)
    assert (first["__typename"], first["operationId"], first["charged"]) == ("Streamed", name, "0.0002")
    assert stream(tokenCount=20, chunk=0)["duplicate"]
    assert stream(totalTokens=50)["remaining"] == "0.4995"
    shrank = stream(totalTokens=40)
    assert (shrank["__typename"], shrank["standing"]["totalTokens"]) == ("StreamShrank", 50)
    provided = {
        "providerFamily": "openai_chat",
        "providerUsage": {"prompt_tokens": 10, "completion_tokens": 40},
    }
    end = stream(usage=provided)
    assert (end["totalTokens"], end["charged"], end["reservation"]["state"]) == (40, "-0.000075", "SETTLED")
    assert stream(usage={"completionTokens": 41})["__typename"] == "OperationConflict"
    assert standing(client, name)[0] == "0.000425"


def test_32_streams_on_one_budget_stop_within_a_chunk_of_its_limit(servers: Servers, name: str) -> None:
    """Each holds a chunk's worth only, so the limit is reached in mid-stream; and the network repeats."""
    limit = STREAMS * 8 * CHUNK * TOKEN
    with servers[0].client() as client:
        leaf = make_path(client, name, money(limit))
    ready, stopped = Barrier(STREAMS), Counter[str]()

    def work(client: Client, number: int) -> None:
        path = begin(client, f"{name}-{number}", leaf, amount=money(CHUNK * TOKEN))
        total, numbered = 0, number % 2
        ready.wait(60)
        for chunk in range(100):
            total += CHUNK
            said = {"token_count": CHUNK, "chunk": chunk} if numbered else {"total_tokens": total}
            answer = sent(client, path, **said)
            if chunk % 3 == number % 3:
                again = sent(client, path, **said)
                assert (again["duplicate"], again["charged"], again["total_tokens"]) == (True, "0", total)
            if chunk and not numbered and chunk % 5 == 0:
                assert send(client, path, total_tokens=total - CHUNK).status_code == 409
            if answer["decision"] == "DENY":
                stopped[answer["operation_id"]] = total
                return

    with Following(servers[-1].url, servers[-1].admin_key) as following:
        following.subscribe(COST_RECORDED, budgetId=f"{name}-0")
        following.settle()
        together(servers, work, STREAMS)
        assert len(stopped) == STREAMS
        told = [following.next() for _ in range(sum(stopped.values()) // CHUNK)]
    spent, after = 0, Counter[str]()
    for event in told:
        if spent >= limit:
            after[event["operationId"]] += 1
        spent += int(Decimal(event["totalCost"]) * 10**9)
    assert spent == sum(stopped.values()) * TOKEN
    assert limit <= spent <= limit + STREAMS * CHUNK * TOKEN
    assert max(after.values(), default=0) <= 1, "nobody was told to go on once nothing was left"
    with servers[-1].client() as client:
        for level in range(4):
            assert standing(client, f"{name}-{level}")[:2] == (money(spent), "0")
        books_agree(client, name)


def test_streams_that_hold_their_upper_bound_all_end_and_pass_nothing(servers: Servers, name: str) -> None:
    limit = STREAMS * 5 * CHUNK * TOKEN
    with servers[0].client() as client:
        leaf = make_path(client, name, money(limit))

    def work(client: Client, number: int) -> None:
        path = begin(client, f"{name}-{number}", leaf, amount=money(5 * CHUNK * TOKEN))
        for total in range(CHUNK, 5 * CHUNK, CHUNK):
            assert sent(client, path, total_tokens=total)["decision"] in {"ALLOW", "WARN"}
        sent(client, path, usage={"completion_tokens": 5 * CHUNK})

    together(servers, work, STREAMS)
    with servers[-1].client() as client:
        assert standing(client, f"{name}-0") == (money(limit), "0", "0")
        books_agree(client, name)


CLIENT = """
import sys, httpx
url, key, path = sys.argv[1:]
with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, trust_env=False) as client:
    for total in range(20, 10**6, 20):
        said = {"model": "gpt-4o", "provider": "openai", "total_tokens": total}
        client.post(path, json=said).raise_for_status()
        print(total, flush=True)
"""


def test_who_is_killed_in_mid_stream_is_billed_for_what_was_reported_and_the_hold_expires(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, name, amount="100")
    path = begin(client, name, name, amount="50", ttl_seconds=2)
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, server.url, server.admin_key, path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 200:
            break
    process.send_signal(signal.SIGKILL)
    reported = [int(each) for each in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    assert eventually(lambda: standing(client, name)[1] == "0") < 15
    told = max([200, *reported])
    spent, _, available = standing(client, name)
    # What was on its way when it died may have arrived.
    assert spent in {money(told * TOKEN), money((told + CHUNK) * TOKEN)}
    assert Decimal(available or "0") == 100 - Decimal(spent)
    assert client.get(path.removesuffix("/stream")).json()["state"] == "EXPIRED"


def test_a_stream_that_crosses_a_threshold_is_told_to_who_follows(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, name, amount=money(100 * TOKEN))
    path = begin(client, name, name, amount="0")
    with Following(server.url, server.admin_key) as following:
        following.subscribe(BUDGET_EVENTS)
        following.settle()
        decisions = [sent(client, path, total_tokens=total)["decision"] for total in range(20, 121, 20)]
        told: list[tuple[str, float]] = []
        while len(told) < 2:
            event = following.next()
            if event["budgetId"] == name:
                told.append((event["type"], event["threshold"]))
    assert decisions == ["ALLOW", "ALLOW", "ALLOW", "WARN", "DENY", "DENY"]
    assert told == [("BUDGET_WARNING", 0.8), ("BUDGET_EXCEEDED", 1.0)]
