"""Rollups at size: 100,000 and then 1,000,000 operations, folded, and folded while they are recorded.

1,000 leaf budgets under 100 under 10 under 1; 200 agents with two models and three capabilities each; 50
users; 90 days, recorded in the order of time. Everything is recorded by the ledger's own committer.
"""

import gc
import random
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench.engines import fresh_engine
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.migrations import MIGRATIONS, migrate
from graph.rollups import Folder, Rollups
from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.changes import Changes
from ledger.commands import CreateBudget, Record
from ledger.committer import Committer
from ledger.model import BudgetType, uid_of
from ledger.results import InvalidUsage
from ledger.usage import parse_usage
from pricing.calendar import DAY_US, to_datetime
from pricing.quote import Pricing, Quote

BATCH = 1000
CHUNK = 100_000
DAYS = 90
BEGIN_US = 1_767_225_600_000_000
"""1 January 2026."""
SIZES = (100_000, 1_000_000)
READS = 300
WARM_READS = 150
"""Both engines compile what they run often: what is measured is a service that runs, not its first second."""


class _Observer:
    """Hands what is committed to the fold."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:  # noqa: ARG002
        """A batch is durable."""
        self._folder.committed(changes)

    def retried(self, reason: str) -> None:
        """A batch is decided again."""


class Fleet:
    """The load: operation i of n is the same in every run."""

    def __init__(self, tenant: str, operations: int) -> None:
        self.tenant = tenant
        self.operations = operations

    def budgets(self) -> Iterator[CreateBudget]:
        """Parents before children."""
        yield self._budget("root", BudgetType.PLATFORM, None)
        for index in range(10):
            yield self._budget(f"project-{index}", BudgetType.PROJECT, "root")
        for index in range(100):
            yield self._budget(f"task-{index}", BudgetType.TASK, f"project-{index // 10}")
        for index in range(1000):
            yield self._budget(f"leaf-{index}", BudgetType.CUSTOM, f"task-{index // 10}")

    def records(self, begin: int, end: int) -> list[Record]:
        """Operations ``begin`` to ``end``."""
        return [self._record(index) for index in range(begin, end)]

    def _budget(self, budget_id: str, kind: BudgetType, parent: str | None) -> CreateBudget:
        return CreateBudget(self.tenant, None, budget_id, kind, parent)

    def _record(self, index: int) -> Record:
        rng = random.Random(index)
        agent = rng.randrange(200)
        prompt, completion = rng.randrange(100, 8000), rng.randrange(10, 900)
        usage = parse_usage(
            {
                "operation_id": f"operation-{index}",
                "agent_id": f"agent-{agent:03d}",
                "budget_id": f"leaf-{rng.randrange(1000)}",
                "model_id": f"model-{(agent * 2 + rng.randrange(2)) % 10}",
                "provider": "provider-1",
                "capability_type": f"capability-{(agent * 3 + rng.randrange(3)) % 20}",
                "user_id": f"user-{rng.randrange(50):02d}",
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "timestamp": to_datetime(BEGIN_US + index * DAYS * DAY_US // self.operations),
            }
        )
        if isinstance(usage, InvalidUsage):
            raise TypeError(usage.message)
        costs = (prompt * 2500, completion * 10_000)
        quote = Quote(Pricing.PRICED, "USD", costs[0], costs[1], 0, sum(costs))
        return Record(self.tenant, None, usage, quote)


def measure(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Every figure, on a fresh engine per size."""
    for size in SIZES:
        with fresh_engine(engine) as connection, Database(connection) as database:
            migrate(database, MIGRATIONS)
            yield from run(database, int(size * scale))


def run(database: Database, operations: int) -> Iterator[dict[str, Any]]:
    """Record and fold ``operations`` at the same time, then ask."""
    fleet = Fleet(f"bench-{operations}", operations)
    rollups = Rollups(database, Trees(database))
    folder = Folder(database, rollups)
    committer = Committer(GraphLedgerStore(database), observer=_Observer(folder))
    committer.start()
    try:
        yield {"operations": operations} | load(fleet, committer, rollups, folder)
        yield from ask(fleet, rollups)
    finally:
        committer.stop()


def load(fleet: Fleet, committer: Committer, rollups: Rollups, folder: Folder) -> dict[str, Any]:
    """Record everything beside the fold; rates of both, and whether every answer meanwhile was exact.

    Commands are made beforehand, some at a time, and the fold may catch up in between.
    """
    committer.submit_blocking(list(fleet.budgets()))
    rollups.query(fleet.tenant, [RollupQuery(uid_of(fleet.tenant, "root"))])  # the engine compiles it once
    stop = threading.Event()
    worker = threading.Thread(target=folder.run, args=(stop,))
    worker.start()
    recording = folding = longest_ms = 0.0
    behind = inexact = 0
    for first in range(0, fleet.operations, CHUNK):
        edges = range(first, min(first + CHUNK, fleet.operations), BATCH)
        batches = [fleet.records(edge, min(edge + BATCH, fleet.operations)) for edge in edges]
        started, recorded = time.perf_counter(), first
        for number, batch in enumerate(batches):
            committer.submit_blocking(batch)
            recorded += len(batch)
            if number % 10 == 0:
                asked = time.perf_counter()
                (found,) = rollups.query(fleet.tenant, [RollupQuery(uid_of(fleet.tenant, "root"))])
                longest_ms = max(longest_ms, (time.perf_counter() - asked) * 1000)
                inexact += found.total.operations != recorded
        recording += time.perf_counter() - started
        behind += rollups.behind(fleet.tenant)
        while rollups.behind(fleet.tenant):
            time.sleep(0.02)
        folding += time.perf_counter() - started
    stop.set()
    folder.wake()
    worker.join()
    return {
        "recorded_per_second": round(fleet.operations / recording),
        "folded_per_second_beside_it": round((fleet.operations - behind) / recording),
        "both_per_second": round(fleet.operations / folding),
        "inexact_answers": inexact,
        "longest_answer_ms": round(longest_ms, 1),
    }


def ask(fleet: Fleet, rollups: Rollups) -> Iterator[dict[str, Any]]:
    """Latencies of the reads at the root."""
    root = uid_of(fleet.tenant, "root")
    month = (BEGIN_US, BEGIN_US + 31 * DAY_US)
    questions = {
        "total": [RollupQuery(root)],
        "by day and model": [RollupQuery(root, (Dimension.MODEL,), Granularity.DAY)],
        "by agent": [RollupQuery(root, (Dimension.AGENT,))],
        "totals of 10 children": [RollupQuery(uid_of(fleet.tenant, f"project-{i}")) for i in range(10)],
        "month by agent and model": [
            RollupQuery(root, (Dimension.AGENT, Dimension.MODEL), Granularity.TOTAL, *month)
        ],
        "month by user and capability": [
            RollupQuery(root, (Dimension.USER, Dimension.CAPABILITY), Granularity.TOTAL, *month)
        ],
        "month by agent and user": [
            RollupQuery(root, (Dimension.AGENT, Dimension.USER), Granularity.TOTAL, *month)
        ],
        "month by hour": [RollupQuery(root, (), Granularity.HOUR, *month)],
        "month of a leaf by hour": [
            RollupQuery(uid_of(fleet.tenant, "leaf-7"), (), Granularity.HOUR, *month)
        ],
        "month by day in another zone": [
            RollupQuery(
                root,
                (),
                Granularity.DAY,
                BEGIN_US + 6 * 3_600_000_000 - DAY_US // 24,
                None,
                "America/New_York",
            )
        ],
    }
    gc.collect()
    gc.freeze()  # as the server does: its long-lived objects are not walked over and over
    for name, queries in questions.items():
        times: list[float] = []
        for _ in range(WARM_READS):
            rollups.query(fleet.tenant, queries)
        for _ in range(READS):
            started = time.perf_counter()
            rollups.query(fleet.tenant, queries)
            times.append((time.perf_counter() - started) * 1000)
        times.sort()
        yield {
            "operations": fleet.operations,
            "read": name,
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[int(len(times) * 0.95)], 1),
        }
