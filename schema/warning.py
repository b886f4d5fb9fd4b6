"""Warnings: what a caller should know about something that happened all the same."""

from typing import Self

import strawberry

from ledger import model
from schema.enums import Meter, WindowKind
from schema.scalars import Decimal
from schema.words import fraction, optional_id, quantity


@strawberry.type(
    name="Warning",
    description="Something to know about an operation that landed all the same. Figures are in the "
    "limit's unit; above the key's own budget there are none.",
)
class WarningType:
    """A warning."""

    code: str
    message: str
    budget_id: strawberry.ID | None
    meter: Meter | None
    window: WindowKind | None
    limit: Decimal | None
    spent: Decimal | None
    reserved: Decimal | None
    utilization: float | None
    threshold: float | None
    late: bool

    @classmethod
    def of(cls, row: model.Warning) -> Self:
        """From the ledger's."""
        return cls(
            code=row.code,
            message=row.message,
            budget_id=optional_id(row.budget_id),
            meter=row.meter,
            window=row.window,
            limit=quantity(row.limit, row.meter),
            spent=quantity(row.spent, row.meter),
            reserved=quantity(row.reserved, row.meter),
            utilization=fraction(row.utilization_ppm),
            threshold=fraction(row.threshold_ppm),
            late=row.late,
        )
