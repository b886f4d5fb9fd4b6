"""What subscriptions tell: entries as they are written, and budgets that reach a threshold."""

from datetime import datetime
from typing import Any, Self

import orjson
import strawberry

from ledger.changes import Event
from pricing.calendar import from_datetime
from schema.enums import BudgetEventType, BudgetType, EntryKind, Meter, WindowKind
from schema.scalars import DateTime, Decimal
from schema.words import optional_id


def body_of(event: Event) -> dict[str, Any]:
    """An event's body."""
    return orjson.loads(event.payload)


def _instant(text: str) -> DateTime:
    return DateTime(from_datetime(datetime.fromisoformat(text), "timestamp"))


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@strawberry.type(
    description="An entry was written: an operation cost something, cost more, or was adjusted. The costs of "
    "all entries of an operation add up to what it cost. Usage without a price is told once it has one."
)
class CostRecorded:
    """An entry was written."""

    event_id: strawberry.ID = strawberry.field(description="Pass the last one as `after` to go on from here.")
    operation_id: strawberry.ID
    agent_id: strawberry.ID
    budget_id: strawberry.ID = strawberry.field(description="The budget that was charged directly.")
    total_cost: Decimal
    currency: str
    timestamp: DateTime = strawberry.field(description="When it was written.")
    kind: EntryKind
    used_at: DateTime = strawberry.field(description="When the usage happened.")
    model_id: str | None
    session_id: strawberry.ID | None

    @classmethod
    def of(cls, event: Event) -> Self:
        """From the tenant's sequence."""
        body = body_of(event)
        return cls(
            event_id=strawberry.ID(body["event_id"]),
            operation_id=strawberry.ID(body["operation_id"]),
            agent_id=strawberry.ID(body["agent_id"]),
            budget_id=strawberry.ID(body["budget_id"]),
            total_cost=Decimal(body["total_cost"]),
            currency=body["currency"],
            timestamp=DateTime(event.at_us),
            kind=EntryKind(body["kind"]),
            used_at=_instant(body["used_at"]),
            model_id=body["model_id"],
            session_id=optional_id(body["session_id"]),
        )


@strawberry.type(
    description="A window of a budget's limit reached a threshold, each once per window; or an override let "
    "its first reservation pass the limit; or little is left of a wallet, once until it is topped up above "
    "that again. Figures are in the limit's own unit."
)
class BudgetEvent:
    """A window reached a threshold."""

    event_id: strawberry.ID = strawberry.field(description="Pass the last one as `after` to go on from here.")
    type: BudgetEventType
    budget_id: strawberry.ID
    resource_id: strawberry.ID | None
    budget_type: BudgetType
    current_usage: Decimal
    budget_amount: Decimal
    percentage_used: float = strawberry.field(description="A fraction: currentUsage / budgetAmount.")
    timestamp: DateTime
    currency: str
    threshold: float = strawberry.field(description="The fraction that was reached.")
    meter: Meter
    window: WindowKind | None
    window_start: DateTime | None
    window_end: DateTime | None
    override_id: strawberry.ID | None = strawberry.field(description="Of BUDGET_OVERRIDDEN.")
    balance: Decimal | None = strawberry.field(description="Of a wallet: what is left of its credit.")
    low_balance_threshold: Decimal | None

    @classmethod
    def of(cls, event: Event) -> Self:
        """From the tenant's sequence."""
        body = body_of(event)
        start, end, window = body["window_start"], body["window_end"], body["window"]
        return cls(
            event_id=strawberry.ID(body["event_id"]),
            type=BudgetEventType(event.type),
            budget_id=strawberry.ID(body["budget_id"]),
            resource_id=optional_id(body["resource_id"]),
            budget_type=BudgetType(body["budget_type"]),
            current_usage=Decimal(body["current_usage"]),
            budget_amount=Decimal(body["budget_amount"]),
            percentage_used=body["percentage_used"],
            timestamp=DateTime(event.at_us),
            currency=body["currency"],
            threshold=body["threshold"],
            meter=Meter(body["meter"]),
            window=None if window is None else WindowKind(window),
            window_start=None if start is None else _instant(start),
            window_end=None if end is None else _instant(end),
            override_id=optional_id(body.get("override_id")),
            balance=_optional(body.get("balance")),
            low_balance_threshold=_optional(body.get("low_balance_threshold")),
        )
