"""Archives of raw usage: what may be archived, by time; who archives; which files there are. Thread-safe."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cypher import archives as queries
from cypher import check, rollups, usage, webhooks
from cypher.query import NoParams
from graph.database import Database, Transaction
from graph.ledger import GraphLedgerTransaction
from graph.ledger.archive_rows import archive_of, raw_of
from ledger.archive import Kept, RawUsage, StoredArchive, kept
from ledger.holds import HoldState
from ledger.model import uid_of

LEASE_US: Final = 30_000_000
"""For how long the lease of a process that died keeps the others waiting."""

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operation that is old enough: all that the graph knows of it."""

    key: str
    """Its place in the tenant's usage by time."""
    raw: RawUsage
    kept: Kept | None
    """Why it stays all the same."""
    usage: Properties
    entries: list[Properties]
    """In the order of writing."""


class Archives:
    """The archives of all tenants, and the lease on archiving as one owner has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = uuid.uuid4().hex

    def lease(self, tenant: str, horizon_us: int) -> bool:
        """Take the lease, or take it for longer; False where another process archives.

        From then on usage that happened before ``horizon_us`` may be archived, and answers say so.
        """
        now_us = time.time_ns() // 1_000
        params: queries.LeaseParams = {
            "tenant": tenant,
            "owner": self._owner,
            "now_us": now_us,
            "until_us": now_us + LEASE_US,
            "horizon_us": horizon_us,
        }
        return bool(self._database.write(queries.LEASE, params))

    def release(self, tenant: str) -> None:
        """Let others archive."""
        self._database.write(queries.RELEASE, {"tenant": tenant, "owner": self._owner})

    def until(self, tenant: str) -> int | None:
        """Usage that happened before that instant may be archived; None where nobody ever archived."""
        rows = self._database.read(queries.HORIZON, {"tenant": tenant})
        return rows[0]["horizon_us"] if rows else None

    def told_through(self, tenant: str) -> int:
        """Up to which number of the sequence rollups and endpoints of webhooks know everything."""
        heads = self._database.read(rollups.HEAD, {"tenant": tenant})
        endpoints = [row["endpoint"] for row in self._database.read(webhooks.ENABLED, NoParams())]
        cursors = [each["cursor_seq"] for each in endpoints if each["tenant"] == tenant]
        return min([row["folded_seq"] for row in heads] + cursors, default=0)

    def candidates(
        self, tenant: str, after: str, before_us: int, through_seq: int, limit: int
    ) -> list[Candidate]:
        """Raw usage that happened before an instant, the oldest first, from after a key on."""
        page: check.PageParams = {
            "after": after or f"{tenant}/",
            "before": f"{tenant}/{before_us:016d}",
            "limit": limit,
        }

        def work(transaction: Transaction) -> list[Candidate]:
            keys = transaction.run(check.USAGES, page)
            uids = [row["uid"] for row in keys]
            found = transaction.run(queries.CONTENTS, {"uids": uids}) if uids else []
            contents = {row["usage"]["uid"]: row for row in found}
            open_holds = _open_holds(transaction, [row["usage"] for row in found])
            return [_candidate(row, contents[row["uid"]], open_holds, through_seq) for row in keys]

        return self._database.reading(work)

    def page(self, tenant: str, before_id: str | None, first: int) -> list[StoredArchive]:
        """The next archives of a tenant, those of the latest usage first."""
        params: queries.UidRange = {
            "after_uid": f"{tenant}/",
            "before_uid": f"{tenant}0" if before_id is None else uid_of(tenant, before_id),
            "first": first,
        }
        return [archive_of(row["archive"]) for row in self._database.read(queries.PAGE, params)]

    def get(self, uid: str) -> StoredArchive | None:
        """An archive."""
        rows = self._database.read(queries.GET, {"uid": uid})
        return archive_of(rows[0]["archive"]) if rows else None

    def claimed(self, archive: StoredArchive, usage_uids: Sequence[str]) -> int:
        """How many of some operations are archived in an archive."""
        params: queries.ClaimedParams = {"uids": list(usage_uids), "archive_uid": archive.uid}
        (row,) = self._database.read(queries.CLAIMED, params)
        return row["operations"]

    def holder(self, usage_uid: str) -> str | None:
        """The uid of the archive of an operation; None where it is raw, or not recorded."""
        rows = self._database.read(usage.USAGES, {"uids": [usage_uid]})
        return rows[0]["archived"] if rows else None


def files_of_all(database: Database) -> queries.HealthRow:
    """The archives of all tenants, for who examines an installation."""
    (row,) = database.read(queries.HEALTH, NoParams())
    return row


def _open_holds(transaction: Transaction, usages: Sequence[Properties]) -> set[str]:
    """The ids of those of some usages' reservations that are open."""
    uids = {
        uid_of(each["tenant"], each["reservation_id"])
        for each in usages
        if each.get("reservation_id") is not None
    }
    found = GraphLedgerTransaction(transaction).holds(uids) if uids else {}
    return {hold.reservation_id for hold in found.values() if hold.state is HoldState.HELD}


def _candidate(
    key: check.UsageKeyRow, row: queries.ContentRow, open_holds: set[str], through_seq: int
) -> Candidate:
    entries = sorted(row["entries"], key=lambda entry: entry["seq"])
    raw = raw_of(row["usage"], entries[-1]["seq"] if entries else 0)
    return Candidate(key["key"], raw, kept(raw, open_holds, through_seq), row["usage"], entries)
