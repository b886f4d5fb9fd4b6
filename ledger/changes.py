"""What a batch of decisions changes: handed to the store as a whole, committed as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.archive import ArchiveFile, RawUsage
from ledger.holds import Hold
from ledger.model import Agent, Budget, ChargePath, CostEntry, Forced, Override, Pricing, Window
from ledger.usage import Usage
from pricing.agreements import NO_SUMS, Agreed
from pricing.anomaly import CostAnomaly
from pricing.prices import GivenRates, PriceFile, Revision
from pricing.rates import Costs
from pricing.units import NO_COUNTS, TokenCounts
from pricing.volume import Adjustment, MonthSums


class RecordedOperation(NamedTuple):
    """A usage as decided: who consumed it, when, who pays, and what it incurred if it has a price."""

    uid: str
    tenant: str
    usage: Usage
    agent_uid: str
    path_uid: str
    leaf_id: str
    user_id: str | None
    provider: str | None
    timestamp_us: int
    recorded_at_us: int
    pricing: Pricing
    unpriced_reason: str | None
    unpriced_seq: int | None
    entry: CostEntry | None
    warnings_json: str | None
    charged_at_us: int
    """The instant whose windows it was charged to."""
    reservation_id: str | None = None
    forced: Forced = ()
    """What a usage without an entry forced past limits; else its entry tells."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What a recorded operation is from now on. ``charged`` is all that was charged for it so far."""

    usage: Usage
    pricing: Pricing
    charged: Costs


@dataclass(frozen=True, slots=True)
class PricedLater:
    """A recorded operation has a price by now. ``charged`` is all that was charged, adjustments apart."""

    pricing: Pricing
    charged: Costs


@dataclass(frozen=True, slots=True)
class Added:
    """An entry of an operation that is recorded already: it grew, got its price, or is adjusted."""

    usage_uid: str
    path: ChargePath
    facts: Mapping[str, str | None]
    entry: CostEntry
    grown: Grown | PricedLater | None = None


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that its idempotency key makes safe to repeat, and what it was answered: JSON text."""

    uid: str
    tenant: str
    fingerprint: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class MonthUse:
    """What a budget root used in a calendar month (UTC) of one thing whose price depends on it."""

    uid: str
    """``root@YYYY-MM/name``."""
    counts: TokenCounts = NO_COUNTS
    quantity_nano: int = 0


@dataclass(frozen=True, slots=True)
class AgreementMonth:
    """A month of an agreement: what its budget's subtree used, and what was booked for it at its close."""

    uid: str
    """``tenant/agreement@YYYY-MM``."""
    tenant: str
    agreement_id: str
    key: str
    end_us: int
    sums: MonthSums = NO_SUMS
    booked: tuple[Adjustment, ...] = ()
    """All that was booked so far, one line a term."""
    closed: bool = False
    """Whether it was closed once."""
    due: bool = True
    """Whether something changed since, or it never was: it is to be closed once it is over."""
    statement_uid: str | None = None
    """The usage that its lines are entries of."""
    statement_entry_uid: str | None = None
    """Its first entry, which the lines adjust."""
    path: ChargePath | None = None
    """Who pays its lines: as it was at the first close."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a closed month is booked as: an operation of no agent that used nothing, with its first entry."""

    uid: str
    month_uid: str
    path: ChargePath
    at_us: int
    entry: CostEntry


@dataclass(frozen=True, slots=True)
class Deviation:
    """An operation whose cost is not what was estimated, and who it was charged to."""

    usage_uid: str
    tenant: str
    agent_id: str
    budget_id: str
    """The budget that was charged directly."""
    path_uid: str
    currency: str
    """Of the budget, and of both costs."""
    anomaly: CostAnomaly


@dataclass(frozen=True, slots=True)
class ArchivedUsage:
    """Operations that are stubs from now on, and the file that holds the whole of them."""

    tenant: str
    file: ArchiveFile
    usages: tuple[RawUsage, ...]
    at_us: int


@dataclass(frozen=True, slots=True)
class Notice:
    """When a budget that cools down told something last, and whether it has something to tell once it may."""

    budget_uid: str
    tenant: str
    at_us: int
    threshold_ppm: int
    """What it told: it may tell of what is higher at once."""
    due_us: int | None = None
    """When to look at it again, as something was held back."""


@dataclass(frozen=True, slots=True)
class Event:
    """A budget event of the outbox; ``payload`` is the body that goes out, as JSON text."""

    tenant: str
    seq: int
    type: str
    budget_uid: str
    at_us: int
    payload: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An act of administration: who, when, what, on what, in whose subtree; how it was before and after."""

    uid: str
    tenant: str
    at_us: int
    author: str | None
    """The id of the key; None where nobody said."""
    action: str
    subject: str
    """The id of what was acted on."""
    budget_uid: str | None
    """Keys that see this budget see the entry; None: those that see the whole tenant."""
    before: str | None
    """JSON text; None where it came to be."""
    after: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """A top-up of a budget's wallet, never changed; below zero: credit that was taken back."""

    tenant: str
    budget_uid: str
    top_up_id: str
    """The idempotency key that it came with."""
    amount_nano: int
    at_us: int
    reason: str | None = None
    author: str | None = None

    @property
    def time_key(self) -> str:
        """Sorts a budget's top-ups by time."""
        return f"{self.at_us:016d}/{self.top_up_id}"


@dataclass(slots=True)
class LedgerHead:
    """A tenant's ledger: the last ``seq`` given, the ``version`` of budgets and limits, the latest time seen.

    ``commits`` counts the batches: a process whose last batch left it at this number has seen them all.
    """

    tenant: str
    seq: int = 0
    version: int = 0
    last_now_us: int = 0
    commits: int = 0
    awaited: int = 0
    """How many operations wait for the one that delegated them: nobody looks for any while it is 0."""


class Delegation(NamedTuple):
    """A recorded operation names the one that delegated it, which may not be recorded yet."""

    parent_uid: str
    child_uid: str


@dataclass(slots=True)
class Changes:
    """Everything that one batch writes of one tenant. Windows carry their final figures, not differences."""

    head: LedgerHead = field(default_factory=lambda: LedgerHead(""))
    budgets: dict[str, Budget] = field(default_factory=dict[str, Budget])
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    paths: dict[str, ChargePath] = field(default_factory=dict[str, ChargePath])
    windows: dict[str, Window] = field(default_factory=dict[str, Window])
    operations: list[RecordedOperation] = field(default_factory=list[RecordedOperation])
    added: list[Added] = field(default_factory=list[Added])
    holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    requests: list[KnownRequest] = field(default_factory=list[KnownRequest])
    events: list[Event] = field(default_factory=list[Event])
    cards: list[Revision] = field(default_factory=list[Revision])
    rates: list[GivenRates] = field(default_factory=list[GivenRates])
    files: list[PriceFile] = field(default_factory=list[PriceFile])
    months: dict[str, MonthUse] = field(default_factory=dict[str, MonthUse])
    notices: dict[str, Notice] = field(default_factory=dict[str, Notice])
    overrides: dict[str, Override] = field(default_factory=dict[str, Override])
    audit: list[AuditEntry] = field(default_factory=list[AuditEntry])
    """What administrators did; there is none without another change."""
    credits: list[Credit] = field(default_factory=list[Credit])
    """Top-ups of budgets that changed with them."""
    deviations: list[Deviation] = field(default_factory=list[Deviation])
    expected: list[str] = field(default_factory=list[str])
    """Operations that grew to what was expected of them: what was noted of them before is no anomaly."""
    agreed: list[Agreed] = field(default_factory=list[Agreed])
    agreement_months: dict[str, AgreementMonth] = field(default_factory=dict[str, AgreementMonth])
    statements: list[Statement] = field(default_factory=list[Statement])
    delegations: list[Delegation] = field(default_factory=list[Delegation])
    awaited: list[str] = field(default_factory=list[str])
    """Those of the operations that others waited for."""
    archived: list[ArchivedUsage] = field(default_factory=list[ArchivedUsage])
    granted: int = 0
    """How many of the holds were granted just now."""
    expired: int = 0
    """How many of the holds ended just now by themselves."""

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.windows
            or self.operations
            or self.holds
            or self.events
            or self.budgets
            or self.agents
            or self.paths
            or self.added
            or self.requests
            or self.cards
            or self.rates
            or self.files
            or self.deviations
            or self.agreed
            or self.agreement_months
            or self.archived
            or self.overrides
            or self.notices
        )

    @property
    def rows(self) -> int:
        """How many operations the batch records."""
        return len(self.operations)
