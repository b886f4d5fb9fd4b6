"""Pages of cost anomalies, newest first.

A page walks the tenant's anomalies by when they were detected and passes over at most ``PASSED_MAX`` that do
not fit: where little fits, a page may hold fewer than asked for, and its end says where to go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cypher import anomalies as queries
from cypher.usage import CHARGE_PATHS
from graph.database import Database, Transaction
from graph.ledger.anomaly_rows import deviation_of
from ledger.changes import Deviation
from pricing.anomaly import Severity
from pricing.calendar import INSTANT_MAX_US

PASSED_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class AnomalyQuery:
    """Which anomalies: of a tenant, of what was charged to a budget and below, of an agent; [from_us, to_us).

    ``after`` is the ``end`` of the page before.
    """

    tenant: str
    budget_uid: str | None = None
    agent_id: str | None = None
    severities: tuple[Severity, ...] = ()
    """Any where there is none."""
    from_us: int | None = None
    to_us: int | None = None
    after: str | None = None
    first: int = 50

    def bounds(self) -> tuple[str, str]:
        """The stretch of the tenant's key that is left."""
        begin = f"{self.tenant}/{self.from_us or 0:016d}/"
        end = f"{INSTANT_MAX_US if self.to_us is None else self.to_us:016d}/"
        return begin, f"{self.tenant}/{end if self.after is None else min(self.after, end)}"

    def place(self, key: str) -> str:
        """A key without its tenant."""
        return key[len(self.tenant) + 1 :]


@dataclass(frozen=True, slots=True)
class AnomalyPage:
    """A page. ``end`` is where it ends, for the next one; None where nothing was looked at."""

    rows: Sequence[Deviation]
    end: str | None
    has_next: bool


class Anomalies:
    """Reads of anomalies. Thread-safe."""

    def __init__(self, database: Database, *, passed_max: int = PASSED_MAX) -> None:
        self._database = database
        self._passed_max = passed_max

    def page(self, query: AnomalyQuery) -> AnomalyPage:
        """One page, in one read transaction."""
        return self._database.reading(lambda transaction: self._page(transaction, query))

    def _page(self, transaction: Transaction, query: AnomalyQuery) -> AnomalyPage:
        paths = None
        if query.budget_uid is not None:
            (found,) = transaction.run(CHARGE_PATHS, {"budget_uid": query.budget_uid})
            paths = found["uids"]
            if not paths:
                return AnomalyPage([], None, has_next=False)
        from_key, to_key = query.bounds()
        reach = next(
            iter(
                transaction.run(
                    queries.REACH, {"from_key": from_key, "to_key": to_key, "passed": self._passed_max}
                )
            ),
            None,
        )
        keys = transaction.run(
            queries.TIMELINE,
            {
                "agent_id": query.agent_id,
                "paths": paths,
                "severities": [each.value for each in query.severities] or None,
                "from_key": from_key if reach is None else reach["key"],
                "to_key": to_key,
                "first": query.first + 1,
            },
        )
        full = len(keys) > query.first
        keys = keys[: query.first]
        uids = [row["uid"] for row in keys]
        shown = transaction.run(queries.SHOWN, {"uids": uids}) if uids else []
        rows = {row["uid"]: deviation_of(row["anomaly"]) for row in shown}
        last = query.place(keys[-1]["key"]) if keys else None
        return AnomalyPage(
            [rows[uid] for uid in uids if uid in rows],
            last if full or reach is None else query.place(reach["key"]),
            full or reach is not None,
        )
