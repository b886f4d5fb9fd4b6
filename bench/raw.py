"""The engine alone, by the bare driver: what one operation's nodes, edges and counters cost.

*Commit time* is the median of one warm transaction with one operation, *ceiling* the rate of the same by
``UNWIND`` of 1,000. The service's figures are given as ratios of these, taken in the same run.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any, LiteralString

from bench.engines import fresh_engine
from graph.database import Database
from graph.migrations import MIGRATIONS, migrate

ONE: LiteralString = """
UNWIND $operations AS row
MATCH (a:Agent {uid: row.agent})
MATCH (p:ChargePath {uid: row.path})
CREATE (a)-[:CONSUMED]->(u:TokenUsage {uid: row.uid})-[:INCURRED]->(e:CostEntry {uid: row.entry_uid}),
  (e)-[:CHARGED_TO]->(p)
SET u += row.usage, e += row.entry
"""
COUNTERS: LiteralString = """
UNWIND $counters AS row
MATCH (w:Window {uid: row.uid})
SET w.spent = row.spent
"""
SETUP: LiteralString = """
UNWIND range(0, 19) AS i
CREATE (:Agent {uid: 'raw/agent' + toString(i)}), (:ChargePath {uid: 'raw/path' + toString(i)})
"""
WINDOWS: LiteralString = (
    "UNWIND range(0, 3) AS i CREATE (:Window {uid: 'raw/window' + toString(i), spent: 0})"
)


class Raw:
    """Writes operations with the bare driver, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0

    def prepare(self) -> None:
        """Schema, agents, paths and counters."""
        migrate(self._database, MIGRATIONS)
        with self._database.transaction() as transaction:
            transaction.run_text(SETUP)
            transaction.run_text(WINDOWS)

    def write(self, count: int) -> float:
        """One transaction of ``count`` operations; its seconds."""
        operations = [self._operation() for _ in range(count)]
        counters = [{"uid": f"raw/window{i}", "spent": self._next} for i in range(4)]
        started = time.perf_counter()
        with self._database.transaction() as transaction:
            transaction.run_text(ONE, {"operations": operations})
            transaction.run_text(COUNTERS, {"counters": counters})
        return time.perf_counter() - started

    def _operation(self) -> dict[str, Any]:
        self._next += 1
        n, at_us = self._next, 1_700_000_000_000_000 + self._next * 1000
        agent, path = f"raw/agent{n % 20}", f"raw/path{n % 20}"
        usage = {
            "tenant": "raw",
            "operation_id": f"operation-{n}",
            "agent_id": agent,
            "agent_uid": agent,
            "capability_type": "chat",
            "model_id": "gpt-4o",
            "provider": "openai",
            "timestamp_us": at_us,
            "recorded_at_us": at_us,
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "category": "api_call",
            "outcome": "OK",
            "charge_path": path,
            "pricing": "PRICED",
            "fingerprint": "0123456789abcdef0123456789abcdef",
            "time_key": f"raw/{at_us:016d}/operation-{n}",
            "path_key": f"{path}/{at_us:016d}/operation-{n}",
            "agent_key": f"{agent}/{at_us:016d}/operation-{n}",
        }
        entry = {
            "tenant": "raw",
            "token_usage_id": f"operation-{n}",
            "kind": "usage",
            "prompt_cost_nano": 2_500_000,
            "completion_cost_nano": 1_000_000,
            "other_cost_nano": 0,
            "total_cost_nano": 3_500_000,
            "currency": "USD",
            "seq": n,
            "charged_at_us": at_us,
            "recorded_at_us": at_us,
            "charge_path": path,
            "price_source": "catalogue",
            "price_card": "openai/gpt-4o",
            "catalogue_version": "0.2.3",
            "catalogue_hash": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        }
        return {
            "agent": agent,
            "path": path,
            "uid": f"raw/operation-{n}",
            "usage": usage,
            "entry_uid": f"raw/{n:016d}",
            "entry": entry,
        }


def commit_and_ceiling(database: Database, scale: float) -> tuple[float, float]:
    """Commit time in seconds, and ceiling in operations per second, warm."""
    raw = Raw(database)
    raw.prepare()
    for _ in range(max(5, int(20 * scale))):
        raw.write(1)
        raw.write(200)
    single = statistics.median(raw.write(1) for _ in range(max(20, int(200 * scale))))
    for _ in range(5):
        raw.write(1000)
    bulk = statistics.median(raw.write(1000) for _ in range(max(5, int(20 * scale))))
    return single, 1000 / bulk


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Commit time and ceiling on an engine of its own."""
    with fresh_engine(engine) as connection, Database(connection) as database:
        commit_seconds, ceiling = commit_and_ceiling(database, scale)
    yield {"commit_ms": round(commit_seconds * 1000, 3), "ceiling_per_s": round(ceiling)}
