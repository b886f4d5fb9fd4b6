"""Price sources, and the prices of them that wait for somebody's approval."""

from typing import Any, TypedDict

from cypher.agents import UidRange
from cypher.ledger import Rows
from cypher.prices import Uids
from cypher.query import CypherQuery, NoParams, NoRow


class OneSource(TypedDict):
    """A source."""

    uid: str


class SourceProperties(TypedDict):
    """A source, and what is to be said of it."""

    uid: str
    properties: dict[str, Any]


class Owned(SourceProperties):
    """The same, by whoever has the lease."""

    owner: str


class LeaseParams(TypedDict):
    """Who would like to refresh a source, and until when."""

    uid: str
    owner: str
    now_us: int
    until_us: int


class DueParams(TypedDict):
    """Sources whose ``due_key`` is not after this one."""

    now_key: str
    first: int


class KeyRange(TypedDict):
    """Held prices whose ``state_key`` is in (after_key, before_key), at most ``first``."""

    after_key: str
    before_key: str
    first: int


class PutRow(TypedDict):
    """The properties of a source."""

    source: dict[str, Any]


class SourceRow(TypedDict):
    """The properties of a source, and how many of its prices wait."""

    source: dict[str, Any]
    waiting: int


class UidRow(TypedDict):
    """Which one it was."""

    uid: str


class WaitingRow(TypedDict):
    """A price that waits, or was rejected."""

    uid: str
    state: str
    fingerprint: str


class HeldRow(TypedDict):
    """The properties of a held price."""

    held: dict[str, Any]


class HealthRow(TypedDict):
    """How many sources there are, how many of them fail, how many prices wait."""

    sources: int
    failing: int
    waiting: int


PUT: CypherQuery[SourceProperties, PutRow] = CypherQuery("price_sources/put", SourceProperties, PutRow)
PAGE: CypherQuery[UidRange, SourceRow] = CypherQuery("price_sources/page", UidRange, SourceRow)
GET: CypherQuery[OneSource, SourceRow] = CypherQuery("price_sources/get", OneSource, SourceRow)
REMOVE: CypherQuery[OneSource, NoRow] = CypherQuery("price_sources/remove", OneSource, NoRow)
DUE: CypherQuery[DueParams, UidRow] = CypherQuery("price_sources/due", DueParams, UidRow)
LEASE: CypherQuery[LeaseParams, PutRow] = CypherQuery("price_sources/lease", LeaseParams, PutRow)
FINISH: CypherQuery[Owned, UidRow] = CypherQuery("price_sources/finish", Owned, UidRow)
HEALTH: CypherQuery[NoParams, HealthRow] = CypherQuery("price_sources/health", NoParams, HealthRow)

HOLD: CypherQuery[Rows, NoRow] = CypherQuery("price_sources/hold", Rows, NoRow)
DECIDE: CypherQuery[Rows, UidRow] = CypherQuery("price_sources/decide", Rows, UidRow)
WAITING: CypherQuery[OneSource, WaitingRow] = CypherQuery("price_sources/waiting", OneSource, WaitingRow)
HELD: CypherQuery[Uids, HeldRow] = CypherQuery("price_sources/held", Uids, HeldRow)
HELD_PAGE: CypherQuery[KeyRange, HeldRow] = CypherQuery("price_sources/held_page", KeyRange, HeldRow)
