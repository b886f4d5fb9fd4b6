"""Leases: how fast one process decides on its own, how fast that is settled, and the books after it."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from bench.engines import engine_in
from bench.lease_client import NANO, Lease
from bench.server import Server, serving
from bench.service import make_tree

DECISIONS: Final = 200_000
COST_NANO: Final = 1_234
CHECK: Final = "{ ledgerCheck { ok findings { invariant expected actual } } }"


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Local decisions a second, settled operations a second, and the books after them."""
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        connection = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        server = stack.enter_context(serving(folder, connection))
        make_tree(server)
        decisions = max(10_000, round(DECISIONS * scale))
        list(_spend(server, "warm", 10_000))
        yield from _spend(server, "measured", decisions)
        yield from _books(server, (decisions + 10_000) * COST_NANO)


def _spend(server: Server, name: str, decisions: int) -> Iterator[dict[str, Any]]:
    """Decide at full speed, while the background settles and refills; then wait for the rest."""
    # A refill waits for the commit under way, which may hold a settlement of 1,000. Half a chunk is left when
    # more is asked for, and has to last longer than that. It is refilled once at least.
    chunk = decisions * COST_NANO
    with Lease(
        server.url,
        server.key,
        "agent-1",
        "crawl",
        chunk,
        idempotency_key=f"{name}/{time.time_ns()}",
        ttl_seconds=600,
        waiting_max=decisions,
    ) as lease:
        dry, busy, began = 0, 0.0, time.perf_counter()
        for number in range(decisions):
            operation_id = f"{name}-{number}"
            while not lease.spend(operation_id, COST_NANO):
                if lease.failure is not None:
                    raise lease.failure
                dry += 1
                waited = time.perf_counter()
                time.sleep(0.001)
                busy -= time.perf_counter() - waited
        decided = time.perf_counter() - began
        busy += decided
    settled = time.perf_counter() - began
    took = sorted(lease.settlements)
    yield {
        "what": "local decisions",
        "decisions": decisions,
        "per_s": round(decisions / decided),
        "per_s_without_waiting_for_refills": round(decisions / busy),
        "waited_for_refills": dry,
    }
    yield {
        "what": "decided, settled and acknowledged",
        "operations": decisions,
        "per_s": round(decisions / settled),
        "settlements": len(took),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
    }


def _books(server: Server, expected_nano: int) -> Iterator[dict[str, Any]]:
    """Spent to the last unit, nothing held any more, and ``verify`` agrees. Raises where that is not so."""
    headers = {"authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=600, trust_env=False) as client:
        status = client.get("/v1/budgets/acme/status").json()
        checked = client.post("/graphql", json={"query": CHECK}).json()["data"]["ledgerCheck"]
    spent = int(Decimal(status["spent"]) * NANO)
    if (spent, status["reserved"], checked["ok"]) != (expected_nano, "0", True):
        raise AssertionError(f"spent {spent} of {expected_nano}, held {status['reserved']}, {checked}")
    yield {"what": "books", "spent": status["spent"], "reserved": status["reserved"], "verify": "ok"}
