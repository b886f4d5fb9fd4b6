"""Updates of streams over HTTP beside plain reservations, by turns on one server: the ratios are what counts.

Sixty-four streams at once report twenty tokens a chunk; each turn has streams of its own, so that a stream
is some hundred chunks long at the end of it.
"""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from bench import wrk
from bench.engines import engine_in
from bench.reservations import load_of, median_of, ratio_of
from bench.server import Server, serving
from bench.service import make_tree

STREAMS: Final = 64
ROUNDS: Final = 3
WARM_SECONDS: Final = 6
CHUNK: Final = json.dumps({"model": "gpt-4o", "provider": "openai", "token_count": 20})


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Rates and p99 of stream updates and of reservations, at 64 clients each."""
    if not wrk.available():
        yield {"left_out": "wrk is not installed"}
        return
    seconds = max(3, round(10 * scale))
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        neo4j = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        server = stack.enter_context(serving(folder, neo4j))
        make_tree(server)
        load_of(server, STREAMS, WARM_SECONDS)
        _streams(server, WARM_SECONDS)
        turns = [(load_of(server, STREAMS, seconds), _streams(server, seconds)) for _ in range(ROUNDS)]
        plain, streams = zip(*turns, strict=True)
        yield {"what": "reserve", "clients": STREAMS, **median_of(plain)}
        yield {
            "what": "stream update",
            "clients": STREAMS,
            **median_of(streams),
            "chunks_a_stream": round(statistics.median(each.requests for each in streams) / STREAMS),
            "of_reserve_rate": ratio_of((stream.rate, reserve.rate) for reserve, stream in turns),
            "of_reserve_p99": ratio_of((stream.p99_ms, reserve.p99_ms) for reserve, stream in turns),
        }


def _streams(server: Server, seconds: int) -> wrk.Load:
    """Streams of their own, each begun with the same prompt."""
    began, headers = time.time_ns(), {"authorization": f"Bearer {server.key}"}
    paths: list[str] = []
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False) as client:
        for number in range(STREAMS):
            said = {
                "idempotency_key": f"stream-{began}-{number}",
                "agent_id": "agent-1",
                "budget_id": "crawl",
                "provider": "openai",
                "model_id": "gpt-4o",
                "prompt_tokens": 1000,
                "amount": "10",
                "ttl_seconds": 3600,
            }
            held = client.post("/v1/reservations", json=said).raise_for_status().json()
            paths.append(f"/v1/reservations/{held['reservation_id']}/stream")
    return wrk.in_turn(server.url, paths, server.key, CHUNK, STREAMS, seconds)
