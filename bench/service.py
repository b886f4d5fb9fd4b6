"""The whole service over HTTP: singles by wrk, bulk by REST and by GraphQL, against the bare driver.

The raw figures are taken on the same engine in the same run; the ratios are what counts.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from bench import wrk
from bench.engines import engine_in
from bench.raw import commit_and_ceiling
from bench.server import Server, serving
from graph.database import Database

BATCH = 1000
BUSY = 503
CONNECTIONS = 3
TREE = (
    ("acme", None, "PLATFORM"),
    ("search", "acme", "PROJECT"),
    ("index", "search", "TASK"),
    ("crawl", "index", "TASK"),
)
RECORD_USAGES = """mutation ($inputs: [RecordUsageInput!]!) { recordUsages(inputs: $inputs) {
  __typename ... on RecordedUsage { operationId duplicate pricing costEntry { totalCost } } } }"""


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Singles and bulk, as rates and as ratios of commit time and ceiling."""
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as folder:
        yield from _measure(engine, Path(folder), scale)


def _measure(engine: str, folder: Path, scale: float) -> Iterator[dict[str, Any]]:
    if engine == "neo4j":
        with engine_in(engine, folder / "neo4j") as connection:
            with Database(connection) as database:
                commit_seconds, ceiling = commit_and_ceiling(database, scale)
            with serving(folder, connection) as server:
                yield from _loads(server, scale, commit_seconds, ceiling)
        return
    # An embedded folder has one owner: first the bare driver, then the server.
    with engine_in(engine, folder / "data") as connection, Database(connection) as database:
        commit_seconds, ceiling = commit_and_ceiling(database, scale)
    with serving(folder, None) as server:
        yield from _loads(server, scale, commit_seconds, ceiling)


def _loads(server: Server, scale: float, commit_seconds: float, ceiling: float) -> Iterator[dict[str, Any]]:
    yield {"what": "raw", "commit_ms": round(commit_seconds * 1000, 3), "ceiling_per_s": round(ceiling)}
    make_tree(server)
    rows = max(2, int(40 * scale)) * BATCH
    send_bulk(server, "warm-rest", rows // 2)
    for what, send in (("bulk_rest", send_bulk), ("bulk_graphql", _bulk_graphql)):
        rate = send(server, what, rows)
        yield {"what": what, "per_s": round(rate), "of_ceiling": round(rate / ceiling, 3)}
    if not wrk.available():
        yield {"what": "singles", "left_out": "wrk is not installed"}
        return
    seconds = max(3, round(15 * scale))
    for clients in (64, 64, 1, 64):  # the first two warm the engine, and are shown
        result = wrk.load(
            server.url, "/v1/usage", server.key, _usage("%s"), f"{clients}-{time.time_ns()}", clients, seconds
        )
        yield {
            "what": "singles",
            "clients": clients,
            "per_s": round(result.rate),
            "p50_ms": round(result.p50_ms, 2),
            "p99_ms": round(result.p99_ms, 2),
            "errors": result.errors,
            "per_commit_time": round(result.rate * commit_seconds, 2),
            "p99_in_commit_times": round(result.p99_ms / 1000 / commit_seconds, 2),
        }


def _usage(operation_id: str) -> str:
    return json.dumps(fields(operation_id, 0))


def fields(operation_id: str, number: int) -> dict[str, Any]:
    """One usage."""
    return {
        "operation_id": operation_id,
        "agent_id": f"agent-{number % 20}",
        "budget_id": "crawl",
        "capability_type": "chat",
        "model_id": "gpt-4o",
        "provider": "openai",
        "prompt_tokens": 1000 + number % 100,
        "completion_tokens": 100,
        "user_id": f"user-{number % 50}",
    }


def make_tree(server: Server) -> None:
    """Four budgets, one below the other, with amounts that nothing reaches."""
    with _client(server) as client:
        for budget_id, parent, kind in TREE:
            create = "mutation ($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
            given = {
                "budgetId": budget_id,
                "parentBudgetId": parent,
                "budgetType": kind,
                "amount": "100000000",
            }
            answer = client.post(
                "/graphql", json={"query": create, "variables": {"input": given}}
            ).raise_for_status()
            if "errors" in answer.json():
                raise RuntimeError(answer.text)


def _client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=120)


def send_bulk(server: Server, name: str, rows: int) -> float:
    """Record ``rows`` usages in batches; operations per second."""
    bodies = [
        json.dumps([fields(f"{name}-{begin + i}", begin + i) for i in range(BATCH)]).encode()
        for begin in range(0, rows, BATCH)
    ]
    return send(server, "/v1/usage", bodies)


def _bulk_graphql(server: Server, name: str, rows: int) -> float:
    bodies = [
        json.dumps(
            {
                "query": RECORD_USAGES,
                "variables": {
                    "inputs": [_camel(fields(f"{name}-{begin + i}", begin + i)) for i in range(BATCH)]
                },
            }
        ).encode()
        for begin in range(0, rows, BATCH)
    ]
    return send(server, "/graphql", bodies)


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    def name(word: str) -> str:
        first, *rest = word.split("_")
        return first + "".join(part.capitalize() for part in rest)

    return {name(key): value for key, value in fields.items()}


def send(server: Server, path: str, bodies: list[bytes]) -> float:
    """Operations per second over a few connections that always have one request under way."""
    with _client(server) as client, ThreadPoolExecutor(CONNECTIONS) as pool:

        def post(body: bytes) -> None:
            headers = {"Content-Type": "application/json"}
            # A server whose queue is full says so; whoever sends it again loses nothing.
            while (answer := client.post(path, content=body, headers=headers)).status_code == BUSY:
                time.sleep(0.1)
            answer.raise_for_status()
            if b'"errors"' in answer.content[:200]:
                raise RuntimeError(answer.text[:1000])

        started = time.perf_counter()
        list(pool.map(post, bodies))
        return len(bodies) * BATCH / (time.perf_counter() - started)
