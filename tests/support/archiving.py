"""Worlds of old usage to archive: two tenants with the same history, of which one is archived."""

import contextlib
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from graph.database import Database
from graph.rollups import Folder, RollupCheck
from insight.rollups import Dimension
from ledger.commands import Sweep
from ledger.committer import Committer
from ledger.results import Swept
from resolvers import Services
from server.archives.archiver import Archiver, Retention
from server.metrics import Metrics
from tests.support.desk import us
from tests.support.reserving import held, settle
from tests.support.services import Caller, admin_of, budget, open_services, record, usage

NOW = "2026-06-01T09:00:00"
DAY = timedelta(days=1)
DIMENSIONS = [each.name for each in Dimension]
ARCHIVE = """
mutation($input: ArchiveUsageInput!) {
  archiveUsage(input: $input) {
    dryRun looked operations kept { reason operations } through olderThan
    archive { archiveId file sha256 rows operations from until state } pageInfo { hasNextPage endCursor }
  }
}
"""
MEASURES = (
    "operations promptTokens completionTokens totalTokens promptCost completionCost otherCost totalCost units"
)
ROLLUP = f"""
query(
  $id: ID!, $by: [Dimension!]!, $granularity: Granularity!, $from: DateTime, $to: DateTime, $zone: String
) {{
  budget(budgetId: $id) {{
    rollup(by: $by, granularity: $granularity, from: $from, to: $to, timezone: $zone) {{
      total {{ {MEASURES} }} own {{ {MEASURES} }}
      rows {{ keys {{ dimension value }} start end measures {{ {MEASURES} }} }}
    }}
  }}
}}
"""
STATUS = """
query($id: ID!) {
  budget(budgetId: $id) {
    status { spent state windowStart limits { meter window resource amount spent reserved forced } }
  }
}
"""
SHARES = "own { operations totalCost } delegated { operations totalCost } total { operations totalCost }"
SESSION = f"""
query($id: ID!) {{
  session(sessionId: $id) {{
    {SHARES} operations {{ operationId agentId parentOperationId depth outcome timestamp {SHARES} }}
    agents {{ agentId {SHARES} }}
  }}
}}
"""
CHECK = "{ ledgerCheck { ok findings { invariant expected actual } } }"
USAGE = """
query($filter: UsageFilter) { usage(filter: $filter, first: 500) { nodes { operationId } archivedUntil } }
"""


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now_us: int = field(default_factory=lambda: us(NOW))

    def __call__(self) -> int:
        return self.now_us

    def forward(self, step: timedelta) -> None:
        self.now_us += int(step.total_seconds() * 1_000_000)


@dataclass
class World:
    """A process with a clock of its own, and two tenants: one to archive, one that stays as it is."""

    database: Database
    services: Services
    clock: Clock
    folder: Path
    admin: Caller
    twin: Caller

    @property
    def both(self) -> tuple[Caller, Caller]:
        """Callers of both tenants."""
        return self.admin, self.twin

    def fold(self) -> None:
        """Fold all that there is."""
        for caller in self.both:
            folder = Folder(self.database, self.services.rollups)
            while folder.fold_once(caller.principal.tenant):
                pass

    def rebuild(self) -> None:
        """Fold all of the archived tenant anew."""
        Folder(self.database, self.services.rollups).rebuild(self.admin.principal.tenant)

    def archive(self, days: int = 35, *, dry_run: bool = False, **said: Any) -> Any:
        """One call."""
        asked = {"olderThanDays": days, "dryRun": dry_run, **said}
        return self.admin.get(ARCHIVE, input=asked)["archiveUsage"]

    def archive_all(self, days: int = 35, **said: Any) -> int:
        """All pages; how many operations."""
        operations, after = 0, None
        while True:
            page = self.archive(days, after=after, **said)
            operations += page["operations"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return operations

    @property
    def committer(self) -> Committer:
        """The process's."""
        return self.services.ledger._committer  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def archiver(self, committer: Committer | None = None, folder: Path | None = None) -> Archiver:
        """Another archiver of the process."""
        return Archiver(
            self.services.archives,
            committer or self.committer,
            Retention(folder or self.folder),
            list,
            Metrics(),
            clock=self.clock,
        )

    def sweep(self) -> None:
        """Let holds expire."""
        commands = [Sweep(caller.principal.tenant) for caller in self.both]
        assert all(isinstance(each, Swept) for each in self.committer.submit_blocking(commands))

    def findings(self) -> list[Any]:
        """What is wrong with the archived tenant's books and rollups."""
        check = self.admin.get(CHECK)["ledgerCheck"]
        rollups = RollupCheck(self.database, self.services.rollups)
        return [*check["findings"], *rollups.compare(self.admin.principal.tenant)]

    def windows(self, caller: Caller) -> dict[str, int]:
        """What every window of a tenant has counted, those of single members included."""
        tenant = caller.principal.tenant
        with self.database.transaction() as transaction:
            found = transaction.run_text(
                "MATCH (b:Budget {tenant: $tenant})-[:LIMITED_BY]->(:Limit)-[:HAS_WINDOW]->(w:Window) "
                "RETURN w.uid AS uid, w.spent AS spent",
                {"tenant": tenant},
            )
        return {row["uid"].removeprefix(f"{tenant}/"): row["spent"] for row in found}

    def listed(self, caller: Caller, **wanted: Any) -> list[str]:
        """The operations that a page of usage has."""
        return [each["operationId"] for each in caller.get(USAGE, filter=wanted)["usage"]["nodes"]]


@contextlib.contextmanager
def open_world(database: Database, tenant: str, folder: Path) -> Generator[World]:
    """Both tenants without any history."""
    clock = Clock()
    with open_services(database, clock, archive_dir=folder) as services:
        admin, twin = admin_of(services, f"{tenant}.a"), admin_of(services, f"{tenant}.b")
        yield World(database, services, clock, folder, admin, twin)


def make_history(world: World, operations: int = 60) -> None:
    """The same history for both: budgets, sessions, delegation, users, tags, growth; then 100 days."""
    for caller in world.both:
        limits = [{"meter": "COST", "window": "YEAR", "amount": "1000"}]
        budget(caller, "acme", amount="5000", limits=limits)
        budget(caller, "web", "acme", recurrence="MONTHLY", amount="100", timezone="Asia/Kathmandu")
        budget(caller, "ops", "acme", budgetType="TASK")
        budget(caller, "ann", "acme", budgetType="USER", resourceId="ann")
    numbers = itertools.count()
    for _ in range(operations // 6):
        rows = [_old(next(numbers), world.clock) for _ in range(6)]
        for caller in world.both:
            results = record(caller, *rows)
            assert {each["__typename"] for each in results} == {"RecordedUsage"}, results
        world.clock.forward(timedelta(hours=29, minutes=7, seconds=13))
    for caller in world.both:
        grow(caller, "grown", 100, final=True)
    world.clock.forward(100 * DAY)


def _old(number: int, clock: Clock) -> dict[str, Any]:
    parent = number - 1 if number % 6 else None
    return usage(
        f"op{number}",
        agentId=f"agent{number % 4}",
        budgetId=("web", "ops", "acme")[number % 3],
        modelId=("gpt-4o", "gpt-4.1")[number % 2],
        capabilityType=("chat", "search")[number % 2],
        userId=("ann", "bob", None)[number % 3],
        category=("api_call", "eval")[number % 2],
        outcome=("OK", "ERROR")[number % 5 == 0],
        sessionId=f"s{number // 6}" if number % 6 < 4 else None,
        parentOperationId=None if parent is None else f"op{parent}",
        promptTokens=1000 + number,
        completionTokens=number,
        region="eu",
        tags={"run": number},
        timestamp=_iso(clock() - number * 61_000_000),
    )


def _iso(instant_us: int) -> str:
    return datetime.fromtimestamp(instant_us / 1_000_000, UTC).isoformat()


def grow(caller: Caller, operation_id: str, tokens: int, *, final: bool) -> Any:
    """Settle an operation of a reservation, which grows where it was settled before."""
    reservation = held(caller, f"for {operation_id}", "web", amount="0.5", ttlSeconds=600)
    said = usage(operation_id, promptTokens=1000, completionTokens=tokens)
    return settle(caller, reservation["reservationId"], said, final=final)


def figures(caller: Caller) -> dict[str, Any]:
    """Everything that is added up from usage: rollups of all dimensions and grains, windows, sessions."""
    found: dict[str, Any] = {}
    for name in ("acme", "web", "ops", "ann", "unattributed"):
        found[f"{name} status"] = caller.get(STATUS, id=name)
        for dimension in DIMENSIONS:
            asked = {"by": [dimension], "granularity": "MONTH"}
            found[f"{name} {dimension}"] = caller.get(ROLLUP, id=name, **asked)
        for granularity in ("HOUR", "DAY", "WEEK", "MONTH", "YEAR", "TOTAL"):
            asked = {"by": ["AGENT", "MODEL"], "granularity": granularity}
            found[f"{name} {granularity}"] = caller.get(ROLLUP, id=name, **asked)
            zone = {**asked, "by": [], "zone": "America/St_Johns"}
            found[f"{name} {granularity} elsewhere"] = caller.get(ROLLUP, id=name, **zone)
        cut = {"by": ["USER"], "granularity": "TOTAL"}
        cut |= {"from": "2026-06-03T10:03:11Z", "to": "2026-06-07T23:17:29Z"}
        found[f"{name} cut"] = caller.get(ROLLUP, id=name, **cut)
    for number in range(10):
        found[f"session {number}"] = caller.get(SESSION, id=f"s{number}")
    return found
