"""Reservations: money held before it is spent, and the refusals that say why it is not."""

from typing import Annotated, Any, Final, Self

import strawberry

from ledger import results as answers
from schema.enums import Decision, Meter, Pricing, ReservationState, WindowKind
from schema.recording import (
    ByClass,
    InvalidUsage,
    OperationConflict,
    RecordUsageResult,
    record_usage_result,
)
from schema.scalars import BigInt, DateTime, Decimal
from schema.warning import WarningType
from schema.words import figure, money, optional_id, optional_instant

INT_MAX: Final = 2**31 - 1


@strawberry.type(description="Money that is held on every window that the operation will count in.")
class Reservation:
    """What is held, as it now is."""

    reservation_id: strawberry.ID
    state: ReservationState
    agent_id: strawberry.ID
    budget_id: strawberry.ID = strawberry.field(description="The budget that pays directly.")
    amount: Decimal = strawberry.field(description="All that was granted.")
    remaining: Decimal = strawberry.field(description="What of it is still held.")
    charged: Decimal = strawberry.field(description="What was charged for it so far.")
    expires_at: DateTime
    decision: Decision
    delay_ms: int = strawberry.field(description="How long to wait before the call is made.")
    duplicate: bool = strawberry.field(description="Whether the request was repeated.")
    override_id: strawberry.ID | None = strawberry.field(
        description="The override by which it passed limits, where this key sees its budget."
    )
    warnings: list[WarningType]

    @classmethod
    def of(cls, row: answers.Reservation) -> Self:
        """From the ledger's."""
        return cls(
            reservation_id=strawberry.ID(row.reservation_id),
            state=row.state,
            agent_id=strawberry.ID(row.agent_id),
            budget_id=strawberry.ID(row.budget_id),
            amount=money(row.amount_nano),
            remaining=money(row.remaining_nano),
            charged=money(row.charged_nano),
            expires_at=DateTime(row.expires_at_us),
            decision=row.decision,
            delay_ms=row.delay_ms,
            duplicate=row.duplicate,
            override_id=optional_id(row.override_id),
            warnings=[WarningType.of(each) for each in row.warnings],
        )


@strawberry.type(
    description="A limit that a request would pass; figures in its unit. Above the key's own budget it is "
    "redacted: there is no budgetId, and the figures are 0, all but what was requested."
)
class Violation:
    """A limit that a request would pass."""

    message: str
    budget_id: strawberry.ID | None
    meter: Meter
    window: WindowKind | None
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    requested: Decimal
    available: Decimal
    projected_total: Decimal = strawberry.field(description="spent + reserved + requested.")
    resets_at: DateTime | None
    redacted: bool

    @classmethod
    def of(cls, row: answers.Violation) -> Self:
        """From the ledger's."""
        return cls(
            message=row.message,
            budget_id=optional_id(row.budget_id),
            meter=row.meter,
            window=row.window,
            limit=figure(row.limit, row.meter),
            spent=figure(row.spent, row.meter),
            reserved=figure(row.reserved, row.meter),
            requested=figure(row.requested, row.meter),
            available=figure(row.available, row.meter),
            projected_total=figure(row.projected_total, row.meter),
            resets_at=optional_instant(row.resets_at_us),
            redacted=row.redacted,
        )


@strawberry.type(description="Refused: every limit that the request would pass. Nothing is held.")
class BudgetExceeded:
    """Refused by limits."""

    message: str
    detail: str = strawberry.field(description="What can be done about it.")
    violations: list[Violation]

    @classmethod
    def of(cls, row: answers.BudgetExceeded) -> Self:
        """From the ledger's."""
        return cls(
            message=row.message,
            detail=row.detail,
            violations=[Violation.of(each) for each in row.violations],
        )


@strawberry.type(description="Sent away for a while: a limit that delays is reached. Nothing is held.")
class Throttled:
    """Sent away for a while."""

    retry_after_ms: int
    violations: list[Violation]

    @classmethod
    def of(cls, row: answers.Throttled) -> Self:
        """From the ledger's. Longer than an Int can say is longest."""
        return cls(
            retry_after_ms=min(row.retry_after_ms, INT_MAX),
            violations=[Violation.of(each) for each in row.violations],
        )


@strawberry.type(
    description="Refused: a cost is limited, and nobody knows what this would cost at most. Nothing is held."
)
class PriceUnknown:
    """Refused for want of a price or a bound."""

    provider: str | None
    model_id: str | None
    reason: str = strawberry.field(description="NO_BOUND, UNKNOWN_MODEL, UNIT_NOT_PRICED or NO_RATE.")

    @classmethod
    def of(cls, row: answers.PriceUnknown) -> Self:
        """From the ledger's."""
        return cls(provider=row.provider, model_id=row.model_id, reason=row.reason)


ReserveResult = Annotated[
    Reservation | BudgetExceeded | Throttled | PriceUnknown, ByClass(name="ReserveResult")
]


@strawberry.type(
    description="What a settlement charged. What a stream should do is its decision: ALLOW go on, "
    "THROTTLE slow down, DENY stop."
)
class Settled:
    """What a settlement charged."""

    reservation: Reservation
    results: list[RecordUsageResult] = strawberry.field(description="In the order of the usages.")
    charged: Decimal
    overrun: Decimal = strawberry.field(description="What was charged beyond what was held.")
    late: bool = strawberry.field(description="Whether the reservation had ended before.")
    decision: Decision
    delay_ms: int
    warnings: list[WarningType]

    @classmethod
    def of(cls, row: answers.Settled) -> Self:
        """From the ledger's."""
        return cls(
            reservation=Reservation.of(row.reservation),
            results=[record_usage_result(each) for each in row.results],
            charged=money(row.charged_nano),
            overrun=money(row.overrun_nano),
            late=row.late,
            decision=row.decision,
            delay_ms=row.delay_ms,
            warnings=[WarningType.of(each) for each in row.warnings],
        )


SettleResult = Annotated[Settled | OperationConflict | InvalidUsage, ByClass(name="SettleResult")]


@strawberry.type(
    description="Where a stream stands. What it should do is its decision: ALLOW and WARN go on, THROTTLE "
    "slow down by delayMs, DENY stop."
)
class Streamed:
    """Where a stream stands."""

    reservation: Reservation
    operation_id: strawberry.ID = strawberry.field(description="The operation that it is billed as.")
    total_tokens: BigInt = strawberry.field(description="Its completion tokens so far.")
    charged: Decimal = strawberry.field(
        description="What this chunk cost; below 0 where the final usage is less than was charged."
    )
    remaining: Decimal = strawberry.field(description="What is still held for it.")
    overrun: Decimal = strawberry.field(description="What this chunk cost beyond what was held.")
    decision: Decision
    delay_ms: int
    duplicate: bool = strawberry.field(description="Whether the chunk had been counted before.")
    late: bool = strawberry.field(description="Whether the reservation had ended before.")
    pricing: Pricing | None = strawberry.field(description="Null as long as nothing was counted.")
    processing_time_ms: BigInt | None
    warnings: list[WarningType]

    @classmethod
    def of(cls, row: answers.Streamed) -> Self:
        """From the ledger's."""
        return cls(
            reservation=Reservation.of(row.reservation),
            operation_id=strawberry.ID(row.operation_id),
            total_tokens=BigInt(row.total_tokens),
            charged=money(row.charged_nano),
            remaining=money(row.reservation.remaining_nano),
            overrun=money(row.overrun_nano),
            decision=row.decision,
            delay_ms=row.delay_ms,
            duplicate=row.duplicate,
            late=row.late,
            pricing=row.pricing,
            processing_time_ms=None if row.processing_time_ms is None else BigInt(row.processing_time_ms),
            warnings=[WarningType.of(each) for each in row.warnings],
        )


@strawberry.type(
    description="Refused: fewer tokens so far than were counted already, as of a chunk that comes late. "
    "Nothing changed."
)
class StreamShrank:
    """Refused: fewer tokens than were counted."""

    message: str
    standing: Streamed = strawberry.field(description="Where the stream stands, and what it should do.")

    @classmethod
    def of(cls, row: answers.StreamShrank) -> Self:
        """From the ledger's."""
        return cls(message=row.message, standing=Streamed.of(row.standing))


StreamResult = Annotated[
    Streamed | StreamShrank | OperationConflict | InvalidUsage, ByClass(name="StreamResult")
]

_MEMBERS: Final[dict[type, Any]] = {
    answers.Reservation: Reservation,
    answers.BudgetExceeded: BudgetExceeded,
    answers.Throttled: Throttled,
    answers.PriceUnknown: PriceUnknown,
    answers.Settled: Settled,
    answers.Streamed: Streamed,
    answers.StreamShrank: StreamShrank,
    answers.OperationConflict: OperationConflict,
    answers.InvalidUsage: InvalidUsage,
}


def reserve_result(row: answers.ReserveResult) -> ReserveResult:
    """The member of the union for what the ledger answered."""
    member: ReserveResult = _MEMBERS[type(row)].of(row)
    return member


def settle_result(row: answers.SettleResult) -> SettleResult:
    """The member of the union for what the ledger answered."""
    member: SettleResult = _MEMBERS[type(row)].of(row)
    return member


def stream_result(row: answers.StreamResult) -> StreamResult:
    """The member of the union for what the ledger answered."""
    member: StreamResult = _MEMBERS[type(row)].of(row)
    return member
