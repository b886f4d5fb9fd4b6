"""Webhooks over two servers on one Neo4j that are killed: each event at least once, in order, none missed."""

import threading
import time
from pathlib import Path

import httpx

from graph.engines import Connection
from tests.server.test_rest_usage import usage
from tests.support.hooks import SETTINGS, Hook
from tests.support.outside import outside, saying
from tests.support.servers import Client, ServerProcess, eventually, on_engine

OPERATIONS = 300
KILLS = 3
CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
RETRIES = {"COSTGRAPH_WEBHOOK_RETRY_SECONDS": ",".join(["0.1"] * 50)}


def test_servers_that_die_lose_no_event(webhook_neo4j: Connection, tmp_path: Path, name: str) -> None:
    settings = [{**on_engine(tmp_path / each, webhook_neo4j), **SETTINGS, **RETRIES} for each in "ab"]
    servers = [ServerProcess(each) for each in settings]
    ports = [int(each.url.rpartition(":")[2]) for each in servers]
    try:
        with outside() as receiver, Client(servers[0].url, servers[0].admin_key) as client:
            client.data(CREATE_BUDGET, input={"budgetId": name, "budgetType": "CUSTOM"})
            hook = Hook(client, receiver, f"/{name}", budgetId=name, types=["cost.recorded"])

            def kill() -> None:
                for number in range(KILLS):
                    time.sleep(2)
                    at = number % 2
                    servers[at].kill()
                    servers[at] = ServerProcess(settings[at], port=ports[at])
                    hook.failing = [saying(b"", "500 Internal Server Error")] * 2

            killer = threading.Thread(target=kill)
            killer.start()
            for number in range(OPERATIONS):
                record(ports, servers[0].admin_key, f"{name}-{number}", name, number)
            killer.join()
            eventually(lambda: f"{name}-{OPERATIONS - 1}" in told(hook), 120)
            ids = [each["data"]["event_id"] for each in hook.events]
            firsts = list(dict.fromkeys(ids))
            assert firsts == sorted(firsts)
            assert list(dict.fromkeys(told(hook))) == [f"{name}-{number}" for number in range(OPERATIONS)]
            assert len(ids) < OPERATIONS + KILLS * 60
    finally:
        for server in servers:
            server.stop()


def told(hook: Hook) -> list[str]:
    return [each["data"]["operation_id"] for each in hook.events]


def record(ports: list[int], key: str, operation: str, budget: str, number: int) -> None:
    """Send one operation until it is acknowledged, to whichever server is there."""
    row = usage(operation, budget_id=budget)
    for attempt in range(10_000):
        try:
            with Client(f"http://127.0.0.1:{ports[(number + attempt) % 2]}", key) as client:
                if client.post("/v1/usage", json=row).status_code in {200, 201}:
                    return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError("never acknowledged")
