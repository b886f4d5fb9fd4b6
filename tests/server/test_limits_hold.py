"""Hard limits under concurrency, on real servers and both engines: never passed, nor refused wrongly."""

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from tests.server.test_rest_reservations import called, make, reserve, standing
from tests.support.referee import Referee
from tests.support.servers import Client, ServerProcess

CLIENTS = 64
FULL = bool(os.environ.get("COSTGRAPH_TEST_FULL"))
ROUNDS = 40 if FULL else 6
NANO = 10**9

CHECK = "query($id: ID!) { ledgerCheck(budgetId: $id) { ok findings { invariant expected actual } } }"

Servers = Sequence[ServerProcess]


def together(servers: Servers, work: Callable[[Client, int], None], clients: int = CLIENTS) -> None:
    """Clients at once, spread over the servers, each with a connection of its own."""

    def run(number: int) -> None:
        server = servers[number % len(servers)]
        with Client(server.url, server.admin_key) as client:
            work(client, number)

    with ThreadPoolExecutor(clients) as pool:
        for each in [pool.submit(run, number) for number in range(clients)]:
            each.result()


def make_path(client: Client, name: str, amount: str) -> str:
    """Four levels, the limit at the root; the leaf."""
    make(client, f"{name}-0", amount=amount)
    for level in range(1, 4):
        make(client, f"{name}-{level}", f"{name}-{level - 1}")
    return f"{name}-3"


def money(nano: int) -> str:
    return f"{Decimal(nano) / NANO:f}"


def books_agree(client: Client, name: str) -> None:
    checked = client.data(CHECK, id=f"{name}-0")
    assert checked["ledgerCheck"] == {"ok": True, "findings": []}


def test_64_clients_never_pass_a_limit_and_are_never_refused_what_is_there(
    servers: Servers, name: str
) -> None:
    referee = Referee(limit=20 * NANO)
    charged: list[int] = []
    with servers[0].client() as client:
        leaf = make_path(client, name, "20")

    def work(client: Client, number: int) -> None:
        chance = random.Random(number)
        for round_ in range(ROUNDS):
            key, asked = f"{name}-{number}-{round_}", chance.randrange(1, 2 * NANO)
            referee.asks(key, asked)
            answer = reserve(client, key, leaf, amount=money(asked))
            if answer.status_code == 402:
                referee.is_refused(key, asked)
                continue
            assert answer.status_code == 201, answer.text
            referee.is_granted(key, asked)
            # As a call does: else so few hold at once that the limit is not in the way.
            time.sleep(chance.uniform(0, 0.1))
            held = f"/v1/reservations/{answer.json()['reservation_id']}"
            spent = 0 if chance.random() < 0.5 else min(asked, chance.randrange(NANO // 100))
            referee.gives_back(asked - spent)
            if spent:
                row = called(leaf, key, provider_cost=money(spent))
                assert client.post(f"{held}/settle", json={"usages": [row]}).status_code == 200
                charged.append(spent)
            else:
                assert client.post(f"{held}/release").status_code == 200
            referee.gave_back(asked - spent)

    together(servers, work)
    assert referee.wrong == []
    assert referee.granted > CLIENTS
    assert referee.refused > CLIENTS // 4, "the limit was in the way"
    with servers[-1].client() as client:
        for level in range(4):
            assert standing(client, f"{name}-{level}")[:2] == (money(sum(charged)), "0")
        books_agree(client, name)


HUNDREDTHS = {
    "an explicit amount": {"amount": "0.01"},
    "the maximum of its card": {
        "provider": "google",
        "model_id": "gemini-2.0-flash",
        "prompt_tokens": 67_232,
    },
}
"""The second: 67,232 tokens at $0.10 and at most 8,192 at $0.40 a million are 0.01 exactly."""


@pytest.mark.parametrize("hold", HUNDREDTHS)
def test_of_500_calls_of_a_cent_at_once_a_dollar_lets_exactly_100_pass(
    servers: Servers, name: str, hold: str
) -> None:
    with servers[0].client() as client:
        leaf = make_path(client, name, "1.00")
    answers: Counter[int] = Counter()
    numbers = itertools.count()

    def work(client: Client, number: int) -> None:
        del number
        while (mine := next(numbers)) < 500:
            answer = reserve(client, f"{name}-{mine}", leaf, **HUNDREDTHS[hold])
            answers[answer.status_code] += 1
            if answer.status_code == 201:
                assert answer.json()["amount"] == "0.01"

    together(servers, work, clients=100)
    assert answers == {201: 100, 402: 400}
    with servers[-1].client() as client:
        assert standing(client, f"{name}-0") == ("0", "1", "0")
        books_agree(client, name)


GPT_4O = {"provider": "openai", "model_id": "gpt-4o", "prompt_tokens": 1000}
MOST = 1000 * 2_500 + 16_384 * 10_000
"""What such a call costs at most, in nano-units: its real maximum of output."""
TRUE_COST = 1000 * 2_500 + 300 * 10_000


def settle(client: Client, answer: httpx.Response, key: str, leaf: str) -> None:
    """What the call cost in truth."""
    assert (answer.status_code, answer.json()["amount"]) == (201, money(MOST))
    row = called(leaf, key, **{**GPT_4O, "completion_tokens": 300})
    settled = client.post(
        f"/v1/reservations/{answer.json()['reservation_id']}/settle", json={"usages": [row]}
    )
    assert settled.json()["charged"] == money(TRUE_COST)


def test_sequential_callers_without_a_maximum_use_a_limit_up_to_one_hold(servers: Servers, name: str) -> None:
    with servers[0].client() as client:
        leaf = make_path(client, name, "0.5")
        calls = 0
        while (answer := reserve(client, f"{name}-{calls}", leaf, **GPT_4O)).status_code != 402:
            settle(client, answer, f"{name}-{calls}", leaf)
            calls += 1
        # The first that is refused is the first whose hold does not fit.
        assert calls == -(-(NANO // 2 - MOST + 1) // TRUE_COST)
        assert standing(client, f"{name}-0") == (
            money(calls * TRUE_COST),
            "0",
            money(NANO // 2 - calls * TRUE_COST),
        )


def test_concurrent_callers_without_a_maximum_neither_overshoot_nor_are_refused_what_fits(
    servers: Servers, name: str
) -> None:
    referee = Referee(limit=2 * NANO)
    with servers[0].client() as client:
        leaf = make_path(client, name, "2")

    def work(client: Client, number: int) -> None:
        for round_ in range(ROUNDS):
            key = f"{name}-{number}-{round_}"
            referee.asks(key, MOST)
            answer = reserve(client, key, leaf, **GPT_4O)
            if answer.status_code == 402:
                referee.is_refused(key, MOST)
                continue
            referee.is_granted(key, MOST)
            referee.gives_back(MOST - TRUE_COST)
            settle(client, answer, key, leaf)
            referee.gave_back(MOST - TRUE_COST)

    together(servers, work)
    assert referee.wrong == []
    assert min(referee.granted, referee.refused) > 0
    with servers[-1].client() as client:
        spent, reserved, available = standing(client, f"{name}-0")
        assert (Decimal(spent) * NANO % TRUE_COST, reserved) == (0, "0")
        assert Decimal(spent) <= 2
        assert Decimal(available or "-1") == 2 - Decimal(spent)
        books_agree(client, name)
