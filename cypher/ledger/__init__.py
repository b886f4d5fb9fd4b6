"""The ledger's write path: lock, look-ups, and what a batch writes."""

from typing import Any, TypedDict

from cypher.query import CypherQuery, NoRow


class Named(TypedDict):
    """Tenants to lock, and what to look up once they are: uids."""

    tenants: list[str]
    operations: list[str]
    holds: list[str]
    requests: list[str]


class LockParams(TypedDict):
    """One map: Neo4j plans a query anew for every order of magnitude of each list that is a parameter."""

    wanted: Named


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
    awaited: int


class KeySpan(TypedDict):
    """A stretch of a sortable key: (after, through]."""

    after: str
    through: str


class NumbersRow(TypedDict):
    """How many numbers of the sequence a kind of record has there."""

    numbers: int


class LockedRow(TypedDict):
    """The ledgers that exist, and what exists of what was to be looked up."""

    heads: list[HeadRow]
    operations: list["OperationRow"]
    holds: list["HoldRow"]
    requests: list["RequestRow"]


class FoundedRow(TypedDict):
    """The ledger's version: 0 for a new tenant."""

    version: int


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class OperationRow(TypedDict):
    """A recorded operation's properties and its first entry's (None while unpriced)."""

    usage: dict[str, Any]
    entry: dict[str, Any] | None


class HoldRow(TypedDict):
    """A reservation's properties, and the budgets of the path that it holds on."""

    hold: dict[str, Any]
    chain: list[str]
    scoped: list[str]


class RequestRow(TypedDict):
    """A request with an idempotency key, and what it was answered."""

    uid: str
    tenant: str
    fingerprint: str
    answer: str


class OneUid(TypedDict):
    """A key to look up."""

    uid: str


class BookRow(TypedDict):
    """An operation's properties with one of its entries and the path that it was charged to."""

    usage: dict[str, Any]
    entry: dict[str, Any] | None
    path_uid: str | None
    chain: list[str] | None
    scoped: list[str] | None


class ExpiringParams(TypedDict):
    """A page of open holds by expiry: keys of (after, before), at most ``limit``."""

    after: str
    before: str
    limit: int


class ExpiringRow(TypedDict):
    """An open hold and when it expires."""

    key: str
    uid: str
    expires_at_us: int


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
    carried: int
    recovered: list[int]


class LimitWindows(TypedDict):
    """A limit's windows that end after an instant, or never."""

    limit_uid: str
    after_us: int


class NoticeRow(TypedDict):
    """When a budget that cools down told something last."""

    budget_uid: str
    tenant: str
    at_us: int
    threshold_ppm: int
    due_us: int | None


class DueParams(TypedDict):
    """A page of budgets by when they may tell what they held back: keys of (after, before)."""

    after: str
    before: str
    limit: int


class DueRow(TypedDict):
    """A budget that may tell what it held back, and when."""

    budget_uid: str
    due_us: int


class AwaitedRow(TypedDict):
    """An operation that others wait for, and how many."""

    uid: str
    waiting: int


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


class SpentByFactsRow(TypedDict):
    """Sums over the usage of one combination of facts."""

    user_id: str | None
    agent_id: str
    provider: str | None
    model_id: str | None
    category: str
    has_tokens: bool
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


class BatchRows(TypedDict):
    """What nearly every batch writes: ledgers, windows that exist, priced operations, reservations."""

    heads: list[HeadRow]
    windows: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    new_holds: list[dict[str, Any]]
    holds: list[dict[str, Any]]


class BatchParams(TypedDict):
    """One map, as in ``LockParams``."""

    batch: BatchRows


class WrittenRow(TypedDict):
    """How many of each were written: fewer than were given means that a node is missing."""

    heads: int
    windows: int
    operations: int
    new_holds: int
    holds: int


class Rows(TypedDict):
    """Rows to write; each query's text names their fields."""

    rows: list[dict[str, Any]]


LOCK: CypherQuery[LockParams, LockedRow] = CypherQuery("ledger/lock", LockParams, LockedRow)
HEAD: CypherQuery[OneTenant, HeadRow] = CypherQuery("ledger/head", OneTenant, HeadRow)
SETTLED: CypherQuery[OneTenant, HeadRow] = CypherQuery("ledger/settled", OneTenant, HeadRow)
COUNT_ENTRIES: CypherQuery[KeySpan, NumbersRow] = CypherQuery("ledger/count_entries", KeySpan, NumbersRow)
COUNT_UNPRICED: CypherQuery[KeySpan, NumbersRow] = CypherQuery("ledger/count_unpriced", KeySpan, NumbersRow)
COUNT_EVENTS: CypherQuery[KeySpan, NumbersRow] = CypherQuery("ledger/count_events", KeySpan, NumbersRow)
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

SPENT_BY_FACTS: CypherQuery[BudgetInSpan, SpentByFactsRow] = CypherQuery(
    "ledger/spent_by_facts", BudgetInSpan, SpentByFactsRow
)
SPENT_BY_FACTS_UNPRICED: CypherQuery[BudgetInSpan, SpentByFactsRow] = CypherQuery(
    "ledger/spent_by_facts_unpriced", BudgetInSpan, SpentByFactsRow
)
AWAITED: CypherQuery[Uids, AwaitedRow] = CypherQuery("ledger/awaited", Uids, AwaitedRow)
HOLDS: CypherQuery[Uids, HoldRow] = CypherQuery("ledger/holds", Uids, HoldRow)
EXPIRING: CypherQuery[ExpiringParams, ExpiringRow] = CypherQuery(
    "ledger/expiring", ExpiringParams, ExpiringRow
)
REQUESTS: CypherQuery[Uids, RequestRow] = CypherQuery("ledger/requests", Uids, RequestRow)
NOTICES: CypherQuery[Uids, NoticeRow] = CypherQuery("ledger/notices", Uids, NoticeRow)
DUE_NOTICES: CypherQuery[DueParams, DueRow] = CypherQuery("ledger/due_notices", DueParams, DueRow)
BOOK: CypherQuery[OneUid, BookRow] = CypherQuery("ledger/book", OneUid, BookRow)

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
WRITE_NOTICES: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_notices", Rows, NoRow)
WRITE_ENTRIES: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_entries", Rows, NoRow)
WRITE_DELEGATIONS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_delegations", Rows, NoRow)
WRITE_ARRIVALS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_arrivals", Rows, NoRow)
WRITE_REQUESTS: CypherQuery[Rows, NoRow] = CypherQuery("ledger/write_requests", Rows, NoRow)
