"""Several server processes on one Neo4j: they take turns, and stay exact."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from graph.engines import Connection
from tests.server.test_rest_usage import usage
from tests.support.servers import Client, ServerProcess, eventually, on_engine

CLIENTS = 16
OPERATIONS = 400
COST_OF_ONE = Decimal("0.0035")


@pytest.fixture(scope="module")
def pair(
    server_neo4j: Connection, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[ServerProcess, ServerProcess]]:
    folder: Path = tmp_path_factory.mktemp("pair")
    with (
        ServerProcess(on_engine(folder / "a", server_neo4j)) as first,
        ServerProcess(on_engine(folder / "b", server_neo4j)) as second,
    ):
        yield first, second


def test_overlapping_operation_ids_are_charged_once_each(
    pair: tuple[ServerProcess, ServerProcess], name: str
) -> None:
    with pair[0].client() as client:
        for budget, parent in ((f"{name}-root", None), (f"{name}-leaf", f"{name}-root")):
            client.data(
                "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }",
                input={"budgetId": budget, "parentBudgetId": parent, "budgetType": "CUSTOM", "amount": "1"},
            )
    statuses: Counter[int] = Counter()
    guard = threading.Lock()

    def work(number: int) -> None:
        # Half of the clients at each server; every operation is sent by four clients, in other orders.
        server = pair[number % 2]
        own = [f"{name}-{each}" for each in range(OPERATIONS) if each % 4 == number // 4]
        with Client(server.url, server.admin_key) as client:
            for operation in own if number % 4 < 2 else reversed(own):
                row = usage(operation, agent_id=name, budget_id=f"{name}-leaf")
                answer = client.post("/v1/usage", json=row)
                while answer.status_code == 503:
                    time.sleep(0.05)
                    answer = client.post("/v1/usage", json=row)
                with guard:
                    statuses[answer.status_code] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {201: OPERATIONS, 200: 3 * OPERATIONS}
    for server in pair:
        with server.client() as client:
            for budget in (f"{name}-root", f"{name}-leaf"):
                found = client.data(
                    "query($id: ID!) { budget(budgetId: $id) { status { spent }"
                    " rollup { total { operations totalCost } } }"
                    " ledgerCheck(budgetId: $id) { ok } }",
                    id=budget,
                )
                total = found["budget"]["rollup"]["total"]
                assert total["operations"] == OPERATIONS
                assert Decimal(total["totalCost"]) == OPERATIONS * COST_OF_ONE
                assert Decimal(found["budget"]["status"]["spent"]) == OPERATIONS * COST_OF_ONE
                assert found["ledgerCheck"]["ok"]


def test_a_budget_made_at_one_server_is_charged_at_the_other(
    pair: tuple[ServerProcess, ServerProcess], name: str
) -> None:
    first, second = pair
    with first.client() as one, second.client() as other:
        for round_ in range(5):
            budget = f"{name}-{round_}"
            one.data(
                "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }",
                input={"budgetId": budget, "budgetType": "CUSTOM"},
            )
            answer = other.post("/v1/usage", json=usage(budget, budget_id=budget))
            assert (answer.status_code, answer.json()["warnings"]) == (201, [])


def test_a_key_revoked_at_one_server_is_refused_at_the_other_within_5_seconds(
    pair: tuple[ServerProcess, ServerProcess], name: str
) -> None:
    first, second = pair
    with first.client() as admin:
        made = admin.data(
            "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret key { keyId } } }",
            input={"name": name, "role": "RECORDER"},
        )["createApiKey"]
        with second.client(made["secret"]) as client:
            assert client.post("/v1/usage", json=usage(f"{name}-0", agent_id=name)).status_code == 201
            revoke = "mutation($id: ID!) { revokeApiKey(keyId: $id) { keyId } }"
            admin.data(revoke, id=made["key"]["keyId"])
            numbers = iter(range(1, 10_000))

            def refused() -> bool:
                row = usage(f"{name}-{next(numbers)}", agent_id=name)
                return client.post("/v1/usage", json=row).status_code == 401

            assert eventually(refused) < 5


def test_several_workers_share_one_port_and_its_metrics(
    server_neo4j: Connection, tmp_path: Path, name: str
) -> None:
    with ServerProcess(on_engine(tmp_path, server_neo4j), "--workers", "2") as server:
        for number in range(40):
            # A connection each: the system spreads them over the workers.
            with server.client() as client:
                assert (
                    client.post("/v1/usage", json=usage(f"{name}-{number}", agent_id=name)).status_code == 201
                )
        wanted = 'costgraph_request_seconds_count{method="POST",route="/v1/usage",status="201"} 40.0'
        for _ in range(5):
            assert wanted in httpx.get(f"{server.url}/metrics", trust_env=False).text
        assert server.stop() == 0


def test_a_worker_that_dies_is_replaced(server_neo4j: Connection, tmp_path: Path, name: str) -> None:
    with ServerProcess(on_engine(tmp_path, server_neo4j), "--workers", "2") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if not children.exists():
            pytest.skip("finding a worker's process needs Linux's /proc")

        def workers() -> set[int]:
            found = {int(pid) for pid in children.read_text(encoding="ascii").split()}
            return {pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}

        eventually(lambda: len(workers()) == 2)
        victim = min(workers())
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in workers() and len(workers()) == 2)
        with server.client() as client:
            assert client.post("/v1/usage", json=usage(name)).status_code == 201


def test_workers_end_with_their_parent(server_neo4j: Connection, tmp_path: Path) -> None:
    server = ServerProcess(on_engine(tmp_path, server_neo4j), "--workers", "2")
    server.kill()

    def nobody_answers() -> bool:
        try:
            httpx.get(f"{server.url}/healthz", trust_env=False)
        except httpx.TransportError:
            return True
        return False

    eventually(nobody_answers)
