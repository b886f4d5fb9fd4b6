"""What a batch of decisions changes: handed to the store as a whole, committed as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.holds import Hold
from ledger.model import Agent, Budget, ChargePath, CostEntry, Pricing, Window
from ledger.usage import Usage
from pricing.prices import GivenRates, PriceFile, Revision
from pricing.rates import Costs
from pricing.units import NO_COUNTS, TokenCounts


@dataclass(frozen=True, slots=True)
class RecordedOperation:
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
class Event:
    """A budget event of the outbox; ``payload`` is the body that goes out, as JSON text."""

    tenant: str
    seq: int
    type: str
    budget_uid: str
    at_us: int
    payload: str


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
    delegations: list[Delegation] = field(default_factory=list[Delegation])
    awaited: list[str] = field(default_factory=list[str])
    """Those of the operations that others waited for."""
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
        )

    @property
    def rows(self) -> int:
        """How many operations the batch records."""
        return len(self.operations)
