"""Repricing what was recorded, over HTTP: operations a second, dry and done, and the server's memory."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.engines import engine_in
from bench.server import Server, serving
from bench.service import BATCH, make_tree, send_bulk

OPERATIONS = 1_000_000
PAGE = 500
LOOKED = 100_000
"""How many the passes that change nothing look at."""
CARD = """mutation ($input: RateCardInput!) { createRateCard(input: $input) { cardId } }"""
REPRICE = """mutation ($input: RepriceInput!) { reprice(input: $input) {
  looked counts { outcome operations } pageInfo { hasNextPage endCursor } } }"""
SPAN = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Load, change the price, look at all of it, book all of it, look again."""
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        neo4j = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        server = stack.enter_context(serving(folder, neo4j))
        make_tree(server)
        rows = max(1, round(OPERATIONS * scale) // BATCH) * BATCH
        yield {"what": "recorded", "operations": rows, "per_s": round(send_bulk(server, "op", rows))}
        lines = [{"unit": "*", "discountPercent": "10"}]
        deal = {"cardId": "deal", "model": "gpt-4o", "budgetId": "crawl", "lines": lines}
        ask(server, CARD, deal)
        yield {"what": "dry run", **_repriced(server, dry=True, most=LOOKED)}
        yield {"what": "booked", **_repriced(server, dry=False)}
        yield {"what": "again", **_repriced(server, dry=False, most=LOOKED)}


def _repriced(server: Server, *, dry: bool, most: int | None = None) -> dict[str, Any]:
    """One pass, over everything or the newest ``most``."""
    counts: dict[str, int] = {}
    looked, after = 0, None
    before = rss_mib(server)
    largest = before
    started = time.perf_counter()
    while True:
        page = ask(server, REPRICE, {**SPAN, "dryRun": dry, "first": PAGE, "after": after})["reprice"]
        looked += page["looked"]
        for each in page["counts"]:
            counts[each["outcome"]] = counts.get(each["outcome"], 0) + each["operations"]
        largest = max(largest, rss_mib(server))
        if not page["pageInfo"]["hasNextPage"] or (most is not None and looked >= most):
            break
        after = page["pageInfo"]["endCursor"]
    seconds = time.perf_counter() - started
    return {
        "operations": looked,
        "counts": counts,
        "per_s": round(looked / seconds),
        "server_mib_before": before,
        "server_mib_most": largest,
    }


def ask(server: Server, query: str, said: dict[str, Any]) -> Any:
    """The data of a query or mutation with one input."""
    answer = httpx.post(
        f"{server.url}/graphql",
        json={"query": query, "variables": {"input": said}},
        headers={"Authorization": f"Bearer {server.key}"},
        timeout=120,
        trust_env=False,
    ).json()
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"])[:1000])
    return answer["data"]


def rss_mib(server: Server) -> int:
    """What the server process holds in memory now."""
    for line in Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("the server has no memory: it is gone")
