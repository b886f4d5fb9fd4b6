"""Reservations over HTTP beside the bare path, by turns on one engine: the ratios are what counts."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench import wrk
from bench.engines import engine_in
from bench.raw import Raw
from bench.server import Server, serving
from bench.service import make_tree, send_bulk
from graph.database import Database
from graph.engines import Connection
from graph.engines.embedded import DATABASE, free_port
from graph.engines.folder import ENGINE_FILE, PASSWORD_FILE

CLIENTS = (1, 50, 200)
ROUNDS = 3
WARM_SECONDS = 6
BARE_START_SECONDS = 60


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Rates and p99 of reserve alone and of reserve + settle, as ratios of the bare path; with an import."""
    if not wrk.available():
        yield {"left_out": "wrk is not installed"}
        return
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name:
        folder = Path(name)
        with contextlib.ExitStack() as stack:
            neo4j = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
            server = stack.enter_context(serving(folder, neo4j))
            connection = neo4j or _embedded(folder / "data")
            yield {"what": "raw", "commit_ms": round(_commit_seconds(connection) * 1000, 3)}
            bare = stack.enter_context(_bare(connection, server.key))
            make_tree(server)
            yield from _compare(bare, server, max(3, round(10 * scale)))
            yield from _beside_import(server, max(5, round(15 * scale)))


def _commit_seconds(connection: Connection) -> float:
    with Database(connection) as database:
        raw = Raw(database)
        raw.prepare()
        for _ in range(200):
            raw.write(1)
        return statistics.median(raw.write(1) for _ in range(100))


def _embedded(data: Path) -> Connection:
    """The engine of a folder whose server runs: the bare path goes to the same one."""
    port = orjson.loads((data / ENGINE_FILE).read_bytes())["bolt_port"]
    password = (data / PASSWORD_FILE).read_text(encoding="utf-8").strip()
    return Connection(f"bolt://127.0.0.1:{port}", "root", password, DATABASE, "arcadedb")


@contextlib.contextmanager
def _bare(connection: Connection, key: str) -> Generator[Server]:
    port = free_port()
    environment = {**os.environ, "BARE_CONNECTION": json.dumps(asdict(connection))}
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(BARE_START_SECONDS * 10):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.1)
        yield Server(url, key, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _reserve(_: Server) -> str:
    return json.dumps(
        {
            "idempotency_key": "%s",
            "agent_id": "agent-1",
            "budget_id": "crawl",
            "provider": "openai",
            "model_id": "gpt-4o",
            "prompt_tokens": 1000,
            "max_completion_tokens": 100,
            "ttl_seconds": 3600,
        }
    )


SETTLE = json.dumps(
    {
        "usages": [
            {
                "operation_id": "%s",
                "agent_id": "agent-1",
                "capability_type": "chat",
                "provider": "openai",
                "model_id": "gpt-4o",
                "prompt_tokens": 1000,
                "completion_tokens": 80,
            }
        ]
    }
)


def load_of(server: Server, clients: int, seconds: int, *, settle: bool = False) -> wrk.Load:
    """Reservations for some seconds, each settled by the next request if asked for."""
    prefix = f"{clients}-{time.time_ns()}"
    return wrk.load(
        server.url,
        "/v1/reservations",
        server.key,
        _reserve(server),
        prefix,
        clients,
        seconds,
        settle=SETTLE if settle else None,
    )


def _compare(bare_path: Server, server: Server, seconds: int) -> Iterator[dict[str, Any]]:
    for clients in (50, 200):
        for each in (bare_path, server):
            load_of(each, clients, WARM_SECONDS)
            load_of(each, clients, WARM_SECONDS, settle=True)
    for clients in CLIENTS:
        for what, settle in (("reserve", False), ("reserve + settle", True)):
            turns = [
                [load_of(each, clients, seconds, settle=settle) for each in (bare_path, server)]
                for _ in range(ROUNDS)
            ]
            theirs, ours = zip(*turns, strict=True)
            yield {"what": f"bare {what}", "clients": clients, **median_of(theirs)}
            yield {
                "what": what,
                "clients": clients,
                **median_of(ours),
                "of_bare_rate": ratio_of((our.rate, their.rate) for their, our in turns),
                "of_bare_p99": ratio_of((our.p99_ms, their.p99_ms) for their, our in turns),
            }


def median_of(loads: Sequence[wrk.Load]) -> dict[str, Any]:
    """The median figures of some runs."""
    return {
        "requests_per_s": round(statistics.median(each.rate for each in loads)),
        "p50_ms": round(statistics.median(each.p50_ms for each in loads), 2),
        "p99_ms": round(statistics.median(each.p99_ms for each in loads), 2),
        "errors": sum(each.errors for each in loads),
    }


def ratio_of(turns: Iterable[tuple[float, float]]) -> float:
    """The median of the ratios turn by turn."""
    return round(statistics.median(ours / theirs for ours, theirs in turns), 3)


def _beside_import(server: Server, seconds: int) -> Iterator[dict[str, Any]]:
    """50 clients without and with a bulk import at full speed."""
    alone = load_of(server, 50, seconds)
    stop = threading.Event()
    imported: list[int] = []

    def keep_importing(number: int) -> None:
        while not stop.is_set():
            imported.append(2_000)
            send_bulk(server, f"import-{number}-{time.time_ns()}", 2_000)

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(keep_importing, number) for number in range(2)]
        load_of(server, 50, WARM_SECONDS)
        imported.clear()
        beside = load_of(server, 50, seconds)
        rows = sum(imported)
        stop.set()
        for each in running:
            each.result()
    yield {
        "what": "reserve beside an import",
        "clients": 50,
        "requests_per_s": round(beside.rate),
        "p99_ms": round(beside.p99_ms, 2),
        "p99_ms_alone": round(alone.p99_ms, 2),
        "of_p99_alone": round(beside.p99_ms / alone.p99_ms, 3),
        "imported_per_s": round(rows / seconds),
        "errors": alone.errors + beside.errors,
    }
