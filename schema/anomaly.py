"""Costs that are not what was estimated."""

from typing import Self

import strawberry

from ledger.changes import Deviation
from schema.enums import Severity
from schema.page import PageInfo
from schema.rate_card import percent
from schema.scalars import DateTime, Decimal, InstantText
from schema.words import money, optional_id


@strawberry.type(
    description="An operation that cost something else than the estimatedCost that came with its usage: LOW "
    "from 20 %, MEDIUM from 50 %, HIGH from 100 %, CRITICAL above 200 %, or where nothing was estimated."
)
class CostAnomaly:
    """A cost that is not what was estimated."""

    request_id: strawberry.ID = strawberry.field(description="The operation's id.")
    provider: str | None
    model: str | None
    agent_id: strawberry.ID | None
    budget_id: strawberry.ID = strawberry.field(description="The budget that was charged directly.")
    estimated_cost: Decimal
    actual_cost: Decimal
    currency: str
    difference_percent: Decimal | None = strawberry.field(
        description="How far the actual cost is from the estimate, above or below; null of an estimate of 0."
    )
    severity: Severity
    detected_at: DateTime

    @classmethod
    def of(cls, row: Deviation) -> Self:
        """From the ledger's."""
        found = row.anomaly
        return cls(
            request_id=strawberry.ID(found.request_id),
            provider=found.provider,
            model=found.model,
            agent_id=optional_id(row.agent_id or None),
            budget_id=strawberry.ID(row.budget_id),
            estimated_cost=money(found.estimated_cost_nano),
            actual_cost=money(found.actual_cost_nano),
            currency=row.currency,
            difference_percent=None if found.difference_ppm is None else percent(found.difference_ppm),
            severity=found.severity,
            detected_at=DateTime(found.detected_at_us),
        )


@strawberry.type(
    description="A page of anomalies, the last detected first. Where little fits the filter, a page may hold "
    "fewer than asked for and still have a next one."
)
class CostAnomalyConnection:
    """A page of anomalies."""

    nodes: list[CostAnomaly]
    page_info: PageInfo


@strawberry.input(description="Which anomalies: all of these must hold.")
class CostAnomalyFilter:
    """Which anomalies."""

    budget_id: strawberry.ID | None = strawberry.field(description="Charged to this budget or below it.")
    agent_id: strawberry.ID | None
    severities: list[Severity] | None = strawberry.field(description="One of these; any if left out.")
    from_: InstantText | None = strawberry.field(name="from", description="Detected from then on.")
    to: InstantText | None = strawberry.field(description="Detected before.")
