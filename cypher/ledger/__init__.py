"""The ledger's write path: lock, look-ups, and what a batch writes."""

from typing import Any, TypedDict

from cypher.query import CypherQuery, NoRow


class LockParams(TypedDict):
    """Tenants to lock, and operations to look up once they are."""

    tenants: list[str]
    operations: list[str]


class OneTenant(TypedDict):
    """A tenant's name."""

    tenant: str


class HeadRow(TypedDict):
    """A tenant's ledger."""

    tenant: str
    seq: int
    version: int
    last_now_us: int
    commits: int


class LockedRow(TypedDict):
    """The ledgers that exist, and those of the operations that are recorded."""

    heads: list[HeadRow]
    operations: list["OperationRow"]


class FoundedRow(TypedDict):
    """The ledger's version: 0 for a new tenant."""

    version: int


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class OperationRow(TypedDict):
    """A recorded operation and its first entry's properties (None while unpriced)."""

    uid: str
    operation_id: str
    fingerprint: str
    budget_id: str
    pricing: str
    warnings: str | None
    entry: dict[str, Any] | None


class AgentRow(TypedDict):
    """An agent and the ids of its parents."""

    uid: str
    agent_id: str
    name: str | None
    budget_uid: str | None
    user_id: str | None
    metadata: str | None
    created_at_us: int
    parents: list[str]


class WindowRow(TypedDict):
    """A window's figures."""

    uid: str
    limit_uid: str
    start_us: int | None
    end_us: int | None
    spent: int
    reserved: int
    forced: int
    told: list[int]


class LimitWindows(TypedDict):
    """A limit's windows that end after an instant, or never."""

    limit_uid: str
    after_us: int


class UidRow(TypedDict):
    """A key that exists."""

    uid: str


class BudgetInSpan(TypedDict):
    """A budget, and instants [start_us, end_us)."""

    budget_uid: str
    start_us: int
    end_us: int


class SpentRow(TypedDict):
    """Sums over entries."""

    cost_nano: int
    tokens: int
    requests: int


class SpentUnpricedRow(TypedDict):
    """Sums over usage without an entry."""

    tokens: int
    requests: int


class BudgetsSince(TypedDict):
    """A tenant's budgets that changed after a version of its ledger."""

    tenant: str
    since_version: int


class BudgetRow(TypedDict):
    """A budget's properties and those of its limits."""

    budget: dict[str, Any]
    limits: list[dict[str, Any]]


class BatchParams(TypedDict):
    """What nearly every batch writes: ledgers, windows that exist, priced operations."""

    heads: list[HeadRow]
    windows: list[dict[str, Any]]
    operations: list[dict[str, Any]]


class WrittenRow(TypedDict):
    """How many of each were written: fewer than were given means that a node is missing."""

    heads: int
    windows: int
    operations: int


class Rows(TypedDict):
    """Rows to write; each query's text names their fields."""

    rows: list[dict[str, Any]]


LOCK: CypherQuery[LockParams, LockedRow] = CypherQuery("ledger/lock", LockParams, LockedRow)
HEAD: CypherQuery[OneTenant, HeadRow] = CypherQuery("ledger/head", OneTenant, HeadRow)
FOUND_TENANT: CypherQuery[OneTenant, FoundedRow] = CypherQuery("ledger/found_tenant", OneTenant, FoundedRow)

OPERATIONS: CypherQuery[Uids, OperationRow] = CypherQuery("ledger/operations", Uids, OperationRow)
AGENTS: CypherQuery[Uids, AgentRow] = CypherQuery("ledger/agents", Uids, AgentRow)
WINDOWS: CypherQuery[Uids, WindowRow] = CypherQuery("ledger/windows", Uids, WindowRow)
WINDOWS_OF: CypherQuery[LimitWindows, WindowRow] = CypherQuery("ledger/windows_of", LimitWindows, WindowRow)
PATHS: CypherQuery[Uids, UidRow] = CypherQuery("ledger/paths", Uids, UidRow)
BUDGETS: CypherQuery[BudgetsSince, BudgetRow] = CypherQuery("ledger/budgets", BudgetsSince, BudgetRow)
SPENT: CypherQuery[BudgetInSpan, SpentRow] = CypherQuery("ledger/spent", BudgetInSpan, SpentRow)
SPENT_UNPRICED: CypherQuery[BudgetInSpan, SpentUnpricedRow] = CypherQuery(
    "ledger/spent_unpriced", BudgetInSpan, SpentUnpricedRow
)

WRITE_BATCH: CypherQuery[BatchParams, WrittenRow] = CypherQuery("ledger/write_batch", BatchParams, WrittenRow)
WRITE_BUDGETS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_budgets", Rows, NoRow)
WRITE_BUDGET_PARENTS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_budget_parents", Rows, NoRow)
WRITE_RESOURCES: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_resources", Rows, NoRow)
WRITE_LIMITS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_limits", Rows, NoRow)
DROP_LIMITS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/drop_limits", Rows, NoRow)
WRITE_AGENTS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_agents", Rows, NoRow)
WRITE_LINEAGE: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_lineage", Rows, NoRow)
WRITE_PATHS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_paths", Rows, NoRow)
WRITE_UNPRICED: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_unpriced", Rows, NoRow)
CREATE_WINDOWS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/create_windows", Rows, NoRow)
WRITE_EVENTS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_events", Rows, NoRow)
