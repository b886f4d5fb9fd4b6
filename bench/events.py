"""From commit to subscriber: how long after its acknowledgement an operation is told, on each engine.

On Neo4j a second server follows, too, which reads what the first one commits.
"""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.engines import engine_in
from bench.server import Server, serving

RATE = 100
"""Operations a second, one at a time: a few commits each."""
PROTOCOLS = [Subprotocol("graphql-transport-ws")]
FOLLOWED = "subscription { costRecorded { operationId } }"


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Percentiles of the delay, at the server that commits and at another one."""
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        connection = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        servers = [stack.enter_context(serving(folder, connection))]
        if connection is not None:
            (folder / "second").mkdir()
            servers.append(stack.enter_context(serving(folder / "second", connection, servers[0].key)))
        operations = max(200, int(2_000 * scale))
        _measure(servers, "warm", 200)
        for where, delays in _measure(servers, "told", operations).items():
            delays.sort()
            yield {
                "what": "commit_to_subscriber",
                "at": where,
                "operations": len(delays),
                "p50_ms": round(delays[len(delays) // 2] * 1000, 1),
                "p99_ms": round(delays[int(len(delays) * 0.99)] * 1000, 1),
                "max_ms": round(delays[-1] * 1000, 1),
            }


def _measure(servers: list[Server], name: str, operations: int) -> dict[str, list[float]]:
    """Seconds from acknowledgement to subscriber, of each operation, by where the subscriber is."""
    told: dict[str, dict[str, float]] = {}
    threads: list[threading.Thread] = []
    with contextlib.ExitStack() as stack:
        for where, server in zip(("same server", "other server"), servers, strict=False):
            address = f"ws://127.0.0.1:{server.port}/graphql"
            socket = stack.enter_context(connect(address, subprotocols=PROTOCOLS))
            _follow(socket, server.key)
            told[where] = {}
            threads.append(
                threading.Thread(target=_collect, args=(socket, told[where], name, operations), daemon=True)
            )
        for thread in threads:
            thread.start()
        acknowledged = _record(servers[0], name, operations)
        for thread in threads:
            thread.join(60)
    return {
        where: [max(0.0, at - acknowledged[each]) for each, at in found.items()]
        for where, found in told.items()
    }


def _follow(socket: ClientConnection, key: str) -> None:
    """Begin a subscription."""
    for message in (
        {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}},
        {"type": "subscribe", "id": "1", "payload": {"query": FOLLOWED}},
    ):
        socket.send(json.dumps(message))
    socket.recv()
    time.sleep(1)


def _collect(socket: ClientConnection, told: dict[str, float], name: str, operations: int) -> None:
    while len(told) < operations:
        message = json.loads(socket.recv(60))
        operation = message["payload"]["data"]["costRecorded"]["operationId"]
        if operation.startswith(name):
            told[operation] = time.perf_counter()


def _record(server: Server, name: str, operations: int) -> dict[str, float]:
    """When each operation was acknowledged."""
    acknowledged: dict[str, float] = {}
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        begun = time.perf_counter()
        for number in range(operations):
            time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
            row = {
                "operation_id": f"{name}-{number}-{time.time_ns()}",
                "agent_id": "agent",
                "capability_type": "chat",
                "model_id": "gpt-4o",
                "provider": "openai",
                "prompt_tokens": 1_000,
                "completion_tokens": 100,
            }
            client.post("/v1/usage", json=row).raise_for_status()
            acknowledged[str(row["operation_id"])] = time.perf_counter()
    return acknowledged
