"""The nouns of the ledger: budgets, limits, windows, charge paths, agents, usage, entries.

Identifiers: ``uid = tenant/id`` is unique in the graph, the id alone within its tenant. Money is an
integer of nano-units (``*_nano``), instants are integer microseconds since the epoch (``*_us``),
thresholds are integer parts per million (``*_ppm``).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from pricing.quote import Pricing

__all__ = [
    "AMOUNT_LIMIT",
    "DEFAULT_TENANT",
    "UNATTRIBUTED",
    "WALLET_LIMIT",
    "Agent",
    "Budget",
    "BudgetState",
    "BudgetType",
    "ChargePath",
    "CostEntry",
    "Enforcement",
    "EntryKind",
    "Increase",
    "Limit",
    "Meter",
    "Outcome",
    "Override",
    "OverrideState",
    "Pricing",
    "Recurrence",
    "Schedule",
    "Threshold",
    "Warning",
    "Window",
    "WindowKind",
    "id_of",
    "seq_uid",
    "uid_of",
]

UNATTRIBUTED = "unattributed"
DEFAULT_TENANT = "default"
AMOUNT_LIMIT = "amount"
WALLET_LIMIT = "wallet"
"""The key of the limit that is a budget's prepaid credit: its amount is the sum of its top-ups."""


def uid_of(tenant: str, identifier: str) -> str:
    """The graph-wide key of an id."""
    return f"{tenant}/{identifier}"


def seq_uid(tenant: str, seq: int) -> str:
    """The key of what took a number of the tenant's sequence: keys sort as the numbers do."""
    return f"{tenant}/{seq:016d}"


def id_of(uid: str) -> str:
    """The id in a uid. Tenants hold no slash, ids may."""
    return uid.partition("/")[2]


class BudgetType(StrEnum):
    """What a budget is for. Stored in lower case, as in the source document."""

    PLATFORM = "platform"
    PROJECT = "project"
    TASK = "task"
    TEAM = "team"
    USER = "user"
    PROVIDER = "provider"
    MODEL = "model"
    AGENT = "agent"
    EXPERIMENT = "experiment"
    CUSTOM = "custom"


class Recurrence(StrEnum):
    """How often a budget's period begins anew."""

    NONE = "NONE"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"


class Meter(StrEnum):
    """What a limit counts."""

    COST = "COST"
    TOKENS = "TOKENS"
    REQUESTS = "REQUESTS"
    LEVEL = "LEVEL"
    SIZE = "SIZE"
    AGE = "AGE"


class WindowKind(StrEnum):
    """Over which stretch of time a limit counts."""

    REQUEST = "REQUEST"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"
    PERIOD = "PERIOD"
    LIFETIME = "LIFETIME"


class Enforcement(StrEnum):
    """How hard a limit is."""

    HARD = "HARD"
    THROTTLE = "THROTTLE"
    SOFT = "SOFT"


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "OK"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class BudgetState(StrEnum):
    """Where a budget stands in its own current window."""

    OK = "OK"
    WARNING = "WARNING"
    EXCEEDED = "EXCEEDED"
    NOT_STARTED = "NOT_STARTED"
    ENDED = "ENDED"
    CLOSED = "CLOSED"


class EntryKind(StrEnum):
    """Why a cost entry was written."""

    USAGE = "usage"
    CONTINUATION = "continuation"
    ADJUSTMENT = "adjustment"


class Increase(NamedTuple):
    """More than a limit's amount, for a while: in [from_us, until_us)."""

    amount: int
    from_us: int
    until_us: int


class Threshold(NamedTuple):
    """A utilisation at which a budget's limits tell, and how far below it counts as left again."""

    at_ppm: int
    hysteresis_ppm: int | None = None
    """It is left, and that is told, once utilisation is below ``at_ppm`` by more than this; None: never."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """From which utilisation a THROTTLE limit delays, how steeply, and how long at most."""

    start_ppm: int = 800_000
    shape_milli: int = 2_000
    """The exponent of the curve, in thousandths: 1 is a straight line, 2 begins gently."""
    max_delay_ms: int = 10_000


USUAL_THROTTLE: Final = Throttle()


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a budget. ``amount`` is nano-units for COST, a count otherwise; None only tracks.

    ``key`` is unique within the budget: ``amount`` for the budget's own amount, which every budget
    has (tracking only where no amount is set).
    """

    uid: str
    budget_uid: str
    key: str
    meter: Meter
    window: WindowKind | None
    amount: int | None
    enforcement: Enforcement = Enforcement.HARD
    resource: str | None = None
    each: str | None = None
    thresholds_ppm: tuple[int, ...] = ()
    since_us: int = 0
    """When it was added to a budget that had been there; windows that had ended by then it does not have."""
    increases: tuple[Increase, ...] = ()
    throttle: Throttle | None = None
    """How a THROTTLE limit delays; None: as usual."""

    @property
    def curve(self) -> Throttle | None:
        """How it delays before it is reached; None of a limit that does not."""
        if self.enforcement is not Enforcement.THROTTLE:
            return None
        return self.throttle or USUAL_THROTTLE

    @property
    def counts_all(self) -> bool:
        """Whether it counts whatever is charged to its budget, in one window at a time."""
        return self.each is None and self.resource is None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which recurrence and time zone were decided when; they cut a limit's windows from its next one on."""

    decided_us: int
    recurrence: Recurrence
    timezone: str


@dataclass(frozen=True, slots=True)
class Budget:
    """One node of a budget tree, with its limits (the budget's own amount first)."""

    uid: str
    tenant: str
    budget_id: str
    parent_uid: str | None
    name: str | None
    amount_nano: int | None
    currency: str
    budget_type: BudgetType
    resource_id: str | None
    period_start_us: int | None
    period_end_us: int | None
    recurrence: Recurrence
    timezone: str
    rollup_timezone: str
    warning_threshold_ppm: int
    priority: int | None
    created_at_us: int
    schedules: tuple[Schedule, ...]
    """By time, the first from the beginning."""
    limits: tuple[Limit, ...]
    """The budget's own amount first, then by key."""
    closed_at_us: int | None = None
    carry_over_cap_nano: int | None = None
    """How much of what a period leaves of the amount the next one has on top; None: nothing."""
    thresholds: tuple[Threshold, ...] = ()
    """Beside the warning threshold and the limit itself, ascending."""
    cool_down_seconds: int = 0
    """How long it tells nothing after it told something, unless a higher threshold is reached."""
    recut_us: int = 0
    """When its period, recurrence or zone last changed: windows that begin before may have been cut anew."""
    low_balance_nano: int | None = None
    """The balance of its wallet that is low; None: 0."""

    @property
    def wallet(self) -> Limit | None:
        """Its prepaid credit; None of a budget that was never topped up."""
        return next((each for each in self.limits if each.key == WALLET_LIMIT), None)

    @property
    def parent_budget_id(self) -> str | None:
        """The parent's id, as the source document names it."""
        return None if self.parent_uid is None else id_of(self.parent_uid)


@dataclass(slots=True)
class Window:
    """What one limit counted in [start_us, end_us): the unit is the limit's.

    ``told`` lists the thresholds (ppm) whose event was emitted in this window. ``forced`` is what
    passed the limit all the same. ``start_us`` and ``end_us`` are None for a lifetime.
    """

    uid: str
    limit_uid: str
    start_us: int | None
    end_us: int | None
    spent: int = 0
    reserved: int = 0
    forced: int = 0
    told: list[int] = field(default_factory=list[int])
    stored: bool = False
    """Whether its node exists."""
    carried: int = 0
    """What the window before left over, as it was when this one began."""
    recovered: list[int] = field(default_factory=list[int])
    """Those of the thresholds that were told of which it was told that they were left."""


@dataclass(frozen=True, slots=True)
class ChargePath:
    """Who pays: the leaf budget, its ancestors up to the root, then the scoped budgets that matched."""

    uid: str
    tenant: str
    chain: tuple[str, ...]
    """Uids of leaf, parent, …, root."""
    scoped: tuple[str, ...] = ()

    @property
    def leaf_uid(self) -> str:
        """The budget that was charged directly."""
        return self.chain[0]

    @property
    def budget_uids(self) -> tuple[str, ...]:
        """Every budget that is charged, each once."""
        return self.chain + self.scoped


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent and where its spend goes when nobody says."""

    uid: str
    tenant: str
    agent_id: str
    name: str | None = None
    parent_agent_ids: tuple[str, ...] = ()
    budget_uid: str | None = None
    user_id: str | None = None
    metadata: str | None = None
    created_at_us: int = 0


class OverrideState(StrEnum):
    """Where an override is in its life."""

    ACTIVE = "ACTIVE"
    USED = "USED"
    """All of it is held or spent; what is given back makes it active again."""
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Override:
    """An emergency grant: reservations that charge its budget pass limits that refuse them, up to an amount.

    ``used_nano`` is what reservations that passed by it hold or have spent of what it gave them.
    """

    uid: str
    tenant: str
    override_id: str
    fingerprint: str
    budget_uid: str
    scope_uid: str | None
    """Limits of this budget and below may be passed: that of the key which granted it. None: any limits."""
    amount_nano: int
    reason: str
    author: str | None
    created_at_us: int
    until_us: int
    agent_id: str | None = None
    """Whose reservations; None: anybody's."""
    user_id: str | None = None
    used_nano: int = 0
    first_used_us: int | None = None
    revoked_at_us: int | None = None
    revoked_by: str | None = None

    @property
    def left_nano(self) -> int:
        """What may still pass by it."""
        return self.amount_nano - self.used_nano

    def state_at(self, now_us: int) -> OverrideState:
        """Where it is in its life."""
        if self.revoked_at_us is not None:
            return OverrideState.REVOKED
        if now_us >= self.until_us:
            return OverrideState.EXPIRED
        return OverrideState.ACTIVE if self.left_nano > 0 else OverrideState.USED


Forced: TypeAlias = tuple[tuple[str, int], ...]
"""What one charge forced past limits: uids of windows, each with the amount in its limit's unit."""


class CostEntry(NamedTuple):
    """One append-only cost entry; ``total_cost_nano`` is the sum of the three components."""

    uid: str
    tenant: str
    token_usage_id: str
    kind: EntryKind
    prompt_cost_nano: int
    completion_cost_nano: int
    other_cost_nano: int
    total_cost_nano: int
    currency: str
    seq: int
    charged_at_us: int
    recorded_at_us: int
    price_source: str | None = None
    price_card: str | None = None
    price_date: str | None = None
    catalogue_version: str | None = None
    catalogue_hash: str | None = None
    operations: int = 1
    """What it adds to the count of operations."""
    prompt_tokens: int = 0
    """What it adds to the counts of tokens."""
    completion_tokens: int = 0
    adjusts: str | None = None
    """The uid of the entry that an adjustment is about."""
    reason: str | None = None
    list_cost_nano: int | None = None
    """What it would cost at list prices, where a contract or an override changed them."""
    fx_rate: str | None = None
    """How much of ``currency`` one ``fx_from`` was worth, where the price is in another currency."""
    fx_date: str | None = None
    fx_source: str | None = None
    fx_from: str | None = None
    billed_cost_nano: int | None = None
    """What an invoice says of it, where that is something else: a commitment is billed as a whole."""
    forced: Forced = ()


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the contract's name for it
    """Something the caller should know about an operation that landed all the same.

    Figures are in the limit's unit (nano-units for COST); above the key's own budget, ``budget_id``
    and the figures are None.
    """

    code: str
    message: str
    budget_id: str | None = None
    meter: Meter | None = None
    window: WindowKind | None = None
    limit: int | None = None
    spent: int | None = None
    reserved: int | None = None
    utilization_ppm: int | None = None
    threshold_ppm: int | None = None
    late: bool = False
