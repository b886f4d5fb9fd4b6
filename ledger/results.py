"""What the ledger answers. Refusals that a client must act on are values; the rest is raised."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

from ledger.holds import Decision, HoldState
from ledger.model import CostEntry, Meter, Pricing, Warning, WindowKind
from pricing.volume import Adjustment


@dataclass(frozen=True, slots=True)
class RecordedUsage:
    """The usage is committed. ``duplicate``: it already was, and this is what was answered then."""

    operation_id: str
    duplicate: bool
    pricing: Pricing
    cost_entry: CostEntry | None
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationConflict:
    """The operation id is taken by other content. Nothing was recorded."""

    operation_id: str
    message: str


@dataclass(frozen=True, slots=True)
class InvalidUsage:
    """The usage can never be recorded as it stands. Nothing was recorded."""

    operation_id: str
    code: str
    field: str | None
    message: str


RecordResult = RecordedUsage | OperationConflict | InvalidUsage


class Reservation(NamedTuple):
    """What is held, as it now is. Amounts in nano-units of the budget's currency."""

    reservation_id: str
    state: HoldState
    amount_nano: int
    remaining_nano: int
    expires_at_us: int
    decision: Decision
    delay_ms: int
    duplicate: bool
    warnings: tuple[Warning, ...]
    agent_id: str
    budget_id: str
    charged_nano: int = 0
    override_id: str | None = None
    """The override by which it passed limits, for keys that see its budget."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that a request would pass; figures in the limit's unit (nano-units for COST).

    ``redacted``: the limit is above the key's own budget. Then there is no budget, and figures are 0.
    """

    message: str
    budget_id: str | None
    meter: Meter
    window: WindowKind | None
    limit: int
    spent: int
    reserved: int
    requested: int
    available: int
    projected_total: int
    resets_at_us: int | None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """Refused: every limit that the request would pass. Nothing is held."""

    code: ClassVar[str] = "BUDGET_EXCEEDED"

    message: str
    violations: tuple[Violation, ...]
    detail: str
    """What one can do about it."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Sent away for a while: a limit that delays is reached. Nothing is held."""

    code: ClassVar[str] = "THROTTLED"

    retry_after_ms: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class PriceUnknown:
    """Refused: a cost is limited, and nobody knows what this would cost at most. Nothing is held."""

    code: ClassVar[str] = "PRICE_UNKNOWN"

    provider: str | None
    model_id: str | None
    reason: str
    """``NO_BOUND``, or why there is no price: ``UNKNOWN_MODEL``, ``UNIT_NOT_PRICED``, ``NO_RATE``."""


ReserveResult = Reservation | BudgetExceeded | Throttled | PriceUnknown


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settle charged. For a stream: ALLOW go on, THROTTLE slow down, DENY stop."""

    reservation: Reservation
    results: tuple[RecordResult, ...]
    charged_nano: int
    overrun_nano: int
    late: bool
    decision: Decision
    delay_ms: int
    warnings: tuple[Warning, ...] = ()


SettleResult = Settled | OperationConflict | InvalidUsage


@dataclass(frozen=True, slots=True)
class Streamed:
    """Where a stream stands, and what it should do: ALLOW go on, THROTTLE slow down, DENY stop."""

    reservation: Reservation
    operation_id: str
    total_tokens: int
    """Its completion tokens so far."""
    charged_nano: int
    """What this chunk cost; negative where the final usage is less than was charged."""
    overrun_nano: int
    decision: Decision
    delay_ms: int
    duplicate: bool
    """Whether the chunk had been counted before."""
    late: bool = False
    pricing: Pricing | None = None
    """None as long as nothing was counted."""
    processing_time_ms: int | None = None
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamShrank:
    """Refused: fewer tokens so far than were counted already. Nothing changed; it stands where it stood."""

    code: ClassVar[str] = "STREAM_SHRANK"

    message: str
    standing: Streamed


StreamResult = Streamed | StreamShrank | OperationConflict | InvalidUsage


@dataclass(frozen=True, slots=True)
class Swept:
    """How many holds had expired and were released."""

    released: int


@dataclass(frozen=True, slots=True)
class RatesTaken:
    """How many exchange rates are new, and how many were known already."""

    new: int
    known: int


class RepricedAs(StrEnum):
    """What repricing makes of an operation."""

    SAME = "SAME"
    CHANGED = "CHANGED"
    """Its price is another one: the difference is an adjustment."""
    SETTLED = "SETTLED"
    """It had no price, or an estimated one."""
    UNPRICED = "UNPRICED"
    """It has no price now either, or none any more: what was charged stays."""
    REPORTED = "REPORTED"
    """Its cost is the provider's own figure, which no card changes."""
    MONTHLY = "MONTHLY"
    """Its price depends on what the month had used before it, which is not kept: what was charged stays."""
    REFUNDED = "REFUNDED"
    """Less is left of its cost than would be given back."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    """A sum would not fit into 64 bits."""


class Difference(NamedTuple):
    """What repricing makes of one operation, in nano-units of its budget's currency."""

    operation_id: str
    outcome: RepricedAs
    before_nano: int
    after_nano: int
    currency: str
    budget_uids: tuple[str, ...]
    """Every budget that pays, the leaf first."""


@dataclass(frozen=True, slots=True)
class Repriced:
    """What became of some operations."""

    differences: tuple[Difference, ...]


class ClosedMonth(NamedTuple):
    """What a close booked for one month: nothing where it was booked already."""

    month: str
    lines: tuple[Adjustment, ...]
    """The differences to what had been booked, in nano-units of the budget's currency."""


@dataclass(frozen=True, slots=True)
class MonthsClosed:
    """The months that were looked at, in order, up to the last one that is closed."""

    agreement_id: str
    currency: str
    months: tuple[ClosedMonth, ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """How many operations became stubs, and how many were left: they are not as their file has them."""

    operations: int
    left: int


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The adjustment is booked. ``duplicate``: it already was."""

    entry: CostEntry
    duplicate: bool
