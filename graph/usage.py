"""Pages of recorded usage, newest first, at any number of usages.

A page walks one sortable key: that of the tenant, of an agent or of a charge path by time, or that of the
unpriced usages. A budget is reached through its charge paths: one path by its own key; several by the
tenant's key, passing over what was charged elsewhere, and where that is nearly everything, by the keys of
all paths at once. How much a page passes over is bounded: where little fits a filter, a page may hold fewer
usages than asked for, and its end says where to go on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Final

from cypher import usage as queries
from cypher.query import CypherQuery
from cypher.usage import (
    AwaitingParams,
    KeyRow,
    ReachParams,
    ReachRow,
    UsageRow,
    Wanted,
    WantedInRange,
    WantedInSession,
)
from graph.database import Database, Transaction
from graph.ledger.entry_rows import entry_of
from ledger.model import CostEntry, uid_of
from pricing.calendar import INSTANT_MAX_US

STRIDES: Final = (200, 2_000, 16_000, 64_000)
"""How many usages a page that passes over some looks at, step by step."""
STRIDES_AMONG_PATHS: Final = 2
"""How many of these steps are taken before a budget's paths are asked one by one."""
PATHS_MAX: Final = 2_000
"""How many paths are asked one by one at most."""


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usages: all of a tenant, of a budget and below, of an agent or a session; [from_us, to_us).

    ``after`` is the ``end`` of the page before.
    """

    tenant: str
    budget_uid: str | None = None
    agent_uid: str | None = None
    session_id: str | None = None
    pricing: str | None = None
    model_id: str | None = None
    provider: str | None = None
    user_id: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    after: str | None = None
    first: int = 50

    @property
    def by_recording(self) -> bool:
        """Whether the page is in the order of recording, as the list of unpriced usage is; else by time."""
        return self.pricing == "UNPRICED" and self.session_id is None

    @property
    def filtered(self) -> bool:
        """Whether something must hold of a usage that no key knows."""
        asked = (self.model_id, self.provider, self.user_id, self.pricing)
        return any(each is not None for each in asked)


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A page. ``end`` is where it ends in its key, for the next one; None where nothing was looked at."""

    rows: list[UsageRow]
    end: str | None
    has_next: bool


Place = tuple[str, str]
"""Where a usage is in its key, and its uid."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A sortable key of one owner."""

    query: CypherQuery[WantedInRange, KeyRow]
    reach: CypherQuery[ReachParams, ReachRow]
    owner: str

    def place(self, key: str) -> str:
        """A key without its owner."""
        return key[len(self.owner) + 1 :]


@dataclass(frozen=True, slots=True)
class _Walk:
    """What was found; ``at`` is where to go on, None at the end of the key."""

    found: list[Place]
    at: str | None


def _timeline(tenant: str) -> _Key:
    return _Key(queries.TIMELINE, queries.TIMELINE_REACH, tenant)


def _path(uid: str) -> _Key:
    return _Key(queries.PATH_TIMELINE, queries.PATH_TIMELINE_REACH, uid)


class UsagePages:
    """Reads of usage. Thread-safe."""

    def __init__(self, database: Database, *, strides: Sequence[int] = STRIDES) -> None:
        """Read from a database; ``strides`` bound what a page passes over."""
        self._database = database
        self._strides = strides

    def page(self, query: UsageQuery) -> UsagePage:
        """One page, in one read transaction."""
        return self._database.reading(lambda transaction: _Reader(transaction, query, self._strides).page())

    def get(self, uid: str) -> UsageRow | None:
        """One usage, if it is recorded."""
        return next(iter(self._database.read(queries.USAGES, {"uids": [uid]})), None)

    def awaiting(self, tenant: str, after: str, limit: int) -> list[Place]:
        """Usage without a price or with an estimate, in the order of recording, after a key of this list."""
        params: AwaitingParams = {"after": after or f"{tenant}/", "before": f"{tenant}0", "limit": limit}
        return [(row["key"], row["uid"]) for row in self._database.read(queries.AWAITING, params)]

    def entries(self, usage_uids: list[str]) -> dict[str, list[CostEntry]]:
        """What usages incurred, by uid, each in the order in which it was written."""
        found: dict[str, list[CostEntry]] = {}
        for row in self._database.read(queries.ENTRIES, {"uids": usage_uids}):
            found.setdefault(row["usage_uid"], []).append(entry_of(row["entry"]))
        return found


class _Reader:
    """One page in the making."""

    def __init__(self, transaction: Transaction, query: UsageQuery, strides: Sequence[int]) -> None:
        self._transaction = transaction
        self._query = query
        self._steps = strides
        self._need = query.first + 1

    def page(self) -> UsagePage:
        walk, first = self._walk(), self._query.first
        full = len(walk.found) > first
        found = walk.found[:first]
        last = found[-1][0] if found else None
        uids = [uid for _, uid in found]
        shown = self._transaction.run(queries.USAGES, {"uids": uids}) if uids else []
        rows = {row["uid"]: row for row in shown}
        return UsagePage(
            [rows[uid] for uid in uids if uid in rows],
            last if full else walk.at or last,
            full or walk.at is not None,
        )

    def _walk(self) -> _Walk:
        query = self._query
        paths = None if query.budget_uid is None else self._paths(query.budget_uid)
        if paths is not None and not paths:
            return _Walk([], None)
        if query.session_id is not None:
            return self._session(query.session_id, paths)
        if query.by_recording:
            return self._one(_Key(queries.UNPRICED, queries.UNPRICED_REACH, query.tenant), paths)
        if query.agent_uid is not None:
            key = _Key(queries.AGENT_TIMELINE, queries.AGENT_TIMELINE_REACH, query.agent_uid)
            return self._one(key, paths)
        return self._one(_timeline(query.tenant), None) if paths is None else self._charged(paths)

    def _one(self, key: _Key, paths: list[str] | None) -> _Walk:
        """Down one key."""
        if paths is not None or self._query.filtered:
            return self._strides(key, paths, self._steps)
        rows = self._range(key, self._query.after, self._need)
        return _Walk([(key.place(row["key"]), row["uid"]) for row in rows], None)

    def _charged(self, paths: list[str]) -> _Walk:
        """What was charged on any of some paths."""
        if len(paths) == 1:
            return self._one(_path(paths[0]), None)
        timeline = _timeline(self._query.tenant)
        if self._query.filtered or len(paths) > PATHS_MAX:
            return self._strides(timeline, paths, self._steps)
        walk = self._strides(timeline, paths, self._steps[:STRIDES_AMONG_PATHS])
        if walk.at is None or len(walk.found) >= self._need:
            return walk
        need = self._need - len(walk.found)
        size = 2 * need // len(paths) + 2
        streams = [self._down(_path(path), walk.at, size) for path in paths]
        return _Walk(walk.found + list(islice(merge(*streams, reverse=True), need)), None)

    def _strides(self, key: _Key, paths: list[str] | None, strides: Sequence[int]) -> _Walk:
        """Down one key, until the page is full or enough was passed over."""
        found: list[Place] = []
        at = self._query.after
        for stride in strides:
            from_key, to_key = self._bounds(key, at)
            params: ReachParams = {"from_key": from_key, "to_key": to_key, "passed": stride}
            reach = next(iter(self._transaction.run(key.reach, params)), None)
            rows = self._range(key, at, self._need - len(found), paths, reach and reach["key"])
            found.extend((key.place(row["key"]), row["uid"]) for row in rows)
            if reach is None:
                return _Walk(found, None)
            at = key.place(reach["key"])
            if len(found) >= self._need:
                break
        return _Walk(found, at)

    def _down(self, key: _Key, after: str | None, size: int) -> Iterator[Place]:
        """One key from its end, a few at a time, twice as many each time."""
        while True:
            rows = self._range(key, after, size)
            for row in rows:
                yield key.place(row["key"]), row["uid"]
            if len(rows) < size:
                return
            after, size = key.place(rows[-1]["key"]), 2 * size

    def _paths(self, budget_uid: str) -> list[str]:
        (row,) = self._transaction.run(queries.CHARGE_PATHS, {"budget_uid": budget_uid})
        return row["uids"]

    def _bounds(self, key: _Key, after: str | None) -> tuple[str, str]:
        """The stretch of a key that is left, after where a page ended."""
        query = self._query
        if query.by_recording:
            return f"{key.owner}/", f"{key.owner}0" if after is None else f"{key.owner}/{after}"
        from_us = 0 if query.from_us is None else query.from_us
        to_us = INSTANT_MAX_US if query.to_us is None else query.to_us
        end = f"{to_us:016d}/"
        return f"{key.owner}/{from_us:016d}/", f"{key.owner}/{end if after is None else min(after, end)}"

    def _range(
        self,
        key: _Key,
        after: str | None,
        first: int,
        paths: list[str] | None = None,
        from_key: str | None = None,
    ) -> list[KeyRow]:
        """The last wanted usages of a stretch of a key."""
        least, to_key = self._bounds(key, after)
        params: WantedInRange = {
            **self._wanted(paths, first),
            "from_key": from_key or least,
            "to_key": to_key,
        }
        return self._transaction.run(key.query, params)

    def _session(self, session_id: str, paths: list[str] | None) -> _Walk:
        """A session is read as a whole: no key knows it by time."""
        at_us, _, operation_id = (self._query.after or "").partition("/")
        params: WantedInSession = {
            **self._wanted(paths, self._need),
            "session_uid": uid_of(self._query.tenant, session_id),
            "before_us": int(at_us) if at_us else None,
            "before_operation_id": operation_id,
        }
        key = _timeline(self._query.tenant)
        rows = self._transaction.run(queries.SESSION, params)
        return _Walk([(key.place(row["key"]), row["uid"]) for row in rows], None)

    def _wanted(self, paths: list[str] | None, first: int) -> Wanted:
        query = self._query
        return {
            "agent_uid": query.agent_uid,
            "paths": paths,
            "pricing": query.pricing,
            "model_id": query.model_id,
            "provider": query.provider,
            "user_id": query.user_id,
            "from_us": query.from_us,
            "to_us": query.to_us,
            "first": first,
        }
