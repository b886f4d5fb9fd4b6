"""What ``verify`` reads: the tenant's entries in order, and the counters that must agree with them."""

from typing import TypedDict

from cypher.ledger import SpentRow, SpentUnpricedRow, WindowRow
from cypher.query import CypherQuery


class PageParams(TypedDict):
    """A page of an index of sortable keys: (after, before), at most ``limit`` rows."""

    after: str
    before: str
    limit: int


class EntryRow(TypedDict):
    """What one entry adds, and the sum of its components."""

    uid: str
    seq: int
    charge_path: str
    charged_at_us: int
    total_cost_nano: int
    parts_nano: int
    tokens: int
    operations: int
    forced_windows: list[str] | None
    forced_amounts: list[int] | None


class UnpricedRow(TypedDict):
    """What one usage that was recorded without a price adds."""

    uid: str
    seq: int
    charge_path: str
    charged_at_us: int
    tokens: int
    forced_windows: list[str] | None
    forced_amounts: list[int] | None


class EventRow(TypedDict):
    """An event's place in the tenant's sequence."""

    uid: str
    seq: int


class UsageKeyRow(TypedDict):
    """A usage by time."""

    key: str
    uid: str


class Uids(TypedDict):
    """Usages to look at."""

    uids: list[str]


class IncurredRow(TypedDict):
    """A usage whose entries do not fit its pricing."""

    operation_id: str
    budget_id: str
    pricing: str
    entries: int


class DelegationRow(TypedDict):
    """A usage that names the operation that delegated it, and is not linked with it, nor waits for it."""

    uid: str
    operation_id: str
    budget_id: str
    parent_operation_id: str
    recorded: bool
    links: int


class WaitingParams(TypedDict):
    """Uids of operations that are waited for: those in (after, before)."""

    after: str
    before: str


class WaitingRow(TypedDict):
    """How many operations wait for the one that delegated them."""

    waiting: int


class SpanParams(TypedDict):
    """A budget, instants [start_us, end_us), and the last number of the sequence that counts."""

    budget_uid: str
    start_us: int
    end_us: int
    seq: int


class LimitUids(TypedDict):
    """Limits whose windows are wanted."""

    limit_uids: list[str]


class TenantParams(TypedDict):
    """A tenant's name."""

    tenant: str


class PathRow(TypedDict):
    """A charge path."""

    uid: str
    chain: list[str]
    scoped: list[str]


ENTRIES: CypherQuery[PageParams, EntryRow] = CypherQuery("check/entries", PageParams, EntryRow)
UNPRICED: CypherQuery[PageParams, UnpricedRow] = CypherQuery("check/unpriced", PageParams, UnpricedRow)
EVENTS: CypherQuery[PageParams, EventRow] = CypherQuery("check/events", PageParams, EventRow)
USAGES: CypherQuery[PageParams, UsageKeyRow] = CypherQuery("check/usages", PageParams, UsageKeyRow)
INCURRED: CypherQuery[Uids, IncurredRow] = CypherQuery("check/incurred", Uids, IncurredRow)
DELEGATIONS: CypherQuery[Uids, DelegationRow] = CypherQuery("check/delegations", Uids, DelegationRow)
AWAITING: CypherQuery[WaitingParams, WaitingRow] = CypherQuery("check/awaiting", WaitingParams, WaitingRow)
WINDOWS: CypherQuery[LimitUids, WindowRow] = CypherQuery("check/windows", LimitUids, WindowRow)
PATHS: CypherQuery[TenantParams, PathRow] = CypherQuery("check/paths", TenantParams, PathRow)
SPENT: CypherQuery[SpanParams, SpentRow] = CypherQuery("check/spent", SpanParams, SpentRow)
SPENT_UNPRICED: CypherQuery[SpanParams, SpentUnpricedRow] = CypherQuery(
    "check/spent_unpriced", SpanParams, SpentUnpricedRow
)
