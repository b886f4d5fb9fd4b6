"""Retention over HTTP: operations archived a second, the server's memory, what an operation takes on disk.

Bytes are those of the engine's store when it has been stopped, logs of transactions left out. ``new`` is what
as many operations take that are recorded afterwards, in the room that the archived ones left.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.engines import engine_in
from bench.repricing import ask, rss_mib
from bench.server import Server, serving
from bench.service import BATCH, fields, make_tree, send

OPERATIONS = 100_000
FIRST = 10_000
ARCHIVE = """mutation ($input: ArchiveUsageInput!) { archiveUsage(input: $input) {
  looked operations kept { reason operations } archive { sizeBytes } pageInfo { hasNextPage endCursor } } }"""
BEGIN = datetime.now(UTC) - timedelta(days=200)
LOGS = ("transactions", "logs", "archive")
KEY = "k" * 64


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Record old usage, archive it, record as much again."""
    rows = max(1, round(OPERATIONS * scale) // BATCH) * BATCH
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name:
        folder = Path(name)
        with _server(engine, folder) as server:
            make_tree(server)
            _load(server, "warm", BATCH)
        empty = _bytes(folder)
        with _server(engine, folder) as server:
            yield {"what": "recorded", "operations": rows, "per_s": round(_load(server, "op", rows))}
            _wait_folded(server)
        raw = _bytes(folder)
        with _server(engine, folder) as server:
            archived = _archived(server)
            yield archived
        stubs = _bytes(folder)
        with _server(engine, folder) as server:
            _load(server, "new", rows)
            _wait_folded(server)
        again = _bytes(folder)
        yield {
            "what": "bytes per operation",
            "raw": round((raw - empty) / rows),
            "archived": round((stubs - empty) / rows),
            "new": round((again - stubs) / rows),
            "file": round(archived["file_bytes"] / archived["operations"]),
        }


@contextlib.contextmanager
def _server(engine: str, folder: Path) -> Generator[Server]:
    with contextlib.ExitStack() as stack:
        neo4j = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        environment = {"COSTGRAPH_ARCHIVE_DIR": str(folder / "archive")}
        yield stack.enter_context(serving(folder, neo4j, KEY, environment))


def _load(server: Server, name: str, rows: int) -> float:
    """Operations of a client that says much: sessions, tags, delegation. How many a second."""
    return send(
        server,
        "/v1/usage",
        [
            json.dumps([_row(name, number) for number in range(begin, begin + BATCH)]).encode()
            for begin in range(0, rows, BATCH)
        ],
    )


def _row(name: str, number: int) -> dict[str, Any]:
    parent = f"{name}-{number - number % 10}" if number % 10 else None
    return {
        **fields(f"{name}-{number}", number),
        "timestamp": (BEGIN + timedelta(seconds=number * 30)).isoformat(),
        "session_id": f"session-{name}-{number // 10}",
        "parent_operation_id": parent,
        "region": "eu-west-1",
        "tags": {"feature": "search", "release": f"2026.{number % 50}", "customer": f"c-{number % 900}"},
    }


def _page(server: Server, *, dry: bool, after: str | None) -> dict[str, Any]:
    said = {"olderThanDays": 35, "dryRun": dry, "first": FIRST, "after": after}
    return ask(server, ARCHIVE, said)["archiveUsage"]


def _wait_folded(server: Server) -> None:
    """Until nothing old is behind the rollups' fold."""
    after: str | None = None
    while True:
        page = _page(server, dry=True, after=after)
        if any(each["reason"] == "BEHIND" for each in page["kept"]):
            time.sleep(1)
        elif page["pageInfo"]["hasNextPage"]:
            after = page["pageInfo"]["endCursor"]
        else:
            return


def _archived(server: Server) -> dict[str, Any]:
    operations = file_bytes = 0
    after: str | None = None
    before = largest = rss_mib(server)
    started = time.perf_counter()
    while True:
        page = _page(server, dry=False, after=after)
        operations += page["operations"]
        file_bytes += page["archive"]["sizeBytes"] if page["archive"] else 0
        largest = max(largest, rss_mib(server))
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return {
        "what": "archived",
        "operations": operations,
        "per_s": round(operations / (time.perf_counter() - started)),
        "file_bytes": file_bytes,
        "server_mib_before": before,
        "server_mib_most": largest,
    }


def _bytes(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".log", ".wal"} and not set(path.parts) & set(LOGS)
    )
