"""Pages of recorded usage, newest first, at any number of usages.

A page walks one sortable key: that of the tenant, of an agent or of a charge path by time, or that of the
unpriced usages. A budget is reached by its charge paths: by the key of each where they are few, else by
the tenant's key, passing over what was charged elsewhere; where that is nearly everything, by the key of
each path after all. How much a page looks at is bounded: where little fits a filter, a page may hold
fewer rows than asked for, and its end says where to go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cypher import usage as queries
from cypher.query import CypherQuery
from cypher.usage import KeyRange, KeyRow, SessionParams, UsageRow
from graph.database import Database, Transaction
from graph.ledger.rows import entry_of
from ledger.model import CostEntry, uid_of
from pricing.calendar import INSTANT_MAX_US

FEW_PATHS: Final = 32
MANY_PATHS: Final = 2_000
EXAMINED: Final = (1_000, 4_000, 16_000)
"""How many usages a page that passes over some looks at, step by step."""


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
        return not (self.model_id is None and self.user_id is None and self.pricing is None)


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A page. ``end`` is where it ends in its key, for the next one; None where nothing was looked at."""

    rows: list[UsageRow]
    end: str | None
    has_next: bool


@dataclass(frozen=True, slots=True)
class _Key:
    """A sortable key of one owner."""

    query: CypherQuery[KeyRange, KeyRow]
    owner: str

    def part(self, row: KeyRow) -> str:
        """The key of a row without its owner: where the page is."""
        return row["key"][len(self.owner) + 1 :]


@dataclass(slots=True)
class _Walk:
    """What was found so far; ``at`` is where to go on, None at the end of the key."""

    found: list[tuple[str, str]]
    """Position and uid of each usage that fits."""
    at: str | None


class UsagePages:
    """Reads of usage. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def page(self, query: UsageQuery) -> UsagePage:
        """One page, in one read transaction."""
        return self._database.reading(lambda transaction: _Reader(transaction, query).page())

    def entries(self, usage_uids: list[str]) -> dict[str, list[CostEntry]]:
        """What usages incurred, by uid, each in the order in which it was written."""
        found: dict[str, list[CostEntry]] = {}
        for row in self._database.read(queries.ENTRIES, {"uids": usage_uids}):
            found.setdefault(row["usage_uid"], []).append(entry_of(row["entry"]))
        return found


class _Reader:
    """One page in the making."""

    def __init__(self, transaction: Transaction, query: UsageQuery) -> None:
        self._transaction = transaction
        self._query = query
        self._from_us = 0 if query.from_us is None else query.from_us
        self._to_us = INSTANT_MAX_US if query.to_us is None else query.to_us

    def page(self) -> UsagePage:
        walk = self._found()
        first = self._query.first
        full = len(walk.found) > first
        found = walk.found[:first]
        end = found[-1][0] if full else walk.at or (found[-1][0] if found else None)
        uids = [uid for _, uid in found]
        rows = (
            {row["uid"]: row for row in self._transaction.run(queries.USAGES, {"uids": uids})} if uids else {}
        )
        return UsagePage([rows[uid] for uid in uids if uid in rows], end, full or walk.at is not None)

    def _found(self) -> _Walk:
        query = self._query
        paths = None if query.budget_uid is None else self._paths(query.budget_uid)
        if paths is not None and not paths:
            return _Walk([], None)
        if query.session_id is not None:
            return self._session(query.session_id, paths)
        if query.by_recording:
            return self._walk(_Key(queries.UNPRICED, query.tenant), paths)
        if query.agent_uid is not None:
            return self._walk(_Key(queries.AGENT_TIMELINE, query.agent_uid), paths)
        if paths is None:
            return self._walk(_Key(queries.TIMELINE, query.tenant), None)
        return self._charged(paths)

    def _charged(self, paths: frozenset[str]) -> _Walk:
        """What was charged on any of some paths."""
        query = self._query
        if len(paths) == 1:
            return self._walk(_Key(queries.PATH_TIMELINE, *paths), None)
        if len(paths) <= FEW_PATHS and not query.filtered:
            return self._merge(paths, query.after)
        walk = self._walk(_Key(queries.TIMELINE, query.tenant), paths)
        settled = walk.at is None or len(walk.found) > query.first
        if settled or query.filtered or len(paths) > MANY_PATHS:
            return walk
        rest = self._merge(paths, walk.at)
        return _Walk(walk.found + rest.found, rest.at)

    def _paths(self, budget_uid: str) -> frozenset[str]:
        return frozenset(
            row["uid"] for row in self._transaction.run(queries.CHARGE_PATHS, {"budget_uid": budget_uid})
        )

    def _walk(self, key: _Key, paths: frozenset[str] | None) -> _Walk:
        """Down one key, from where the page before ended, until the page is full or enough was looked at."""
        walk = _Walk([], self._query.after)
        for examined in self._steps(paths):
            rows = self._range(key, walk.at, examined)
            walk.found.extend(
                (key.part(row), row["uid"])
                for row in rows
                if row["fits"] and (paths is None or row["charge_path"] in paths)
            )
            if len(rows) < examined:
                walk.at = None
                break
            walk.at = key.part(rows[-1])
            if len(walk.found) > self._query.first:
                break
        return walk

    def _steps(self, paths: frozenset[str] | None) -> Iterator[int]:
        if self._query.by_recording or self._query.filtered or paths is not None:
            yield from (max(examined, self._query.first + 1) for examined in EXAMINED)
        else:
            yield self._query.first + 1

    def _merge(self, paths: frozenset[str], after: str | None) -> _Walk:
        """The newest of several paths: as many of each as a page holds, then the newest of those."""
        found: list[tuple[str, str]] = []
        for path in paths:
            key = _Key(queries.PATH_TIMELINE, path)
            rows = self._range(key, after, self._query.first + 1)
            found.extend((key.part(row), row["uid"]) for row in rows if row["fits"])
        return _Walk(sorted(found, reverse=True)[: self._query.first + 1], None)

    def _range(self, key: _Key, after: str | None, examined: int) -> list[KeyRow]:
        query = self._query
        to_part = after
        from_part = ""
        if not query.by_recording:
            from_part = f"{self._from_us:016d}/"
            to_part = f"{self._to_us:016d}/" if after is None else min(after, f"{self._to_us:016d}/")
        return self._transaction.run(
            key.query,
            {
                "from_key": f"{key.owner}/{from_part}",
                "to_key": f"{key.owner}/{to_part}" if to_part is not None else f"{key.owner}0",
                "examined": examined,
                "agent_uid": query.agent_uid,
                "pricing": query.pricing,
                "model_id": query.model_id,
                "user_id": query.user_id,
                "from_us": self._from_us,
                "to_us": self._to_us,
            },
        )

    def _session(self, session_id: str, paths: frozenset[str] | None) -> _Walk:
        """A session is looked at as a whole: no key knows it by time."""
        query = self._query
        to_us, before = self._to_us, ""
        if query.after is not None:
            at_text, _, operation_id = query.after.partition("/")
            if int(at_text) < to_us:
                to_us, before = int(at_text), operation_id
        examined = query.first + 1 if paths is None and not query.filtered else EXAMINED[-1]
        params: SessionParams = {
            "session_uid": uid_of(query.tenant, session_id),
            "examined": examined,
            "agent_uid": query.agent_uid,
            "pricing": query.pricing,
            "model_id": query.model_id,
            "user_id": query.user_id,
            "from_us": self._from_us,
            "to_us": to_us,
            "before_operation_id": before,
        }
        key = _Key(queries.TIMELINE, query.tenant)
        rows = self._transaction.run(queries.SESSION, params)
        found = [
            (key.part(row), row["uid"])
            for row in rows
            if row["fits"] and (paths is None or row["charge_path"] in paths)
        ]
        return _Walk(found, None if len(rows) < examined else key.part(rows[-1]))
