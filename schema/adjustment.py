"""Adjustments: refunds, credits and corrections of what an operation cost."""

from typing import Self

import strawberry

from ledger import results
from ledger.access import Principal
from ledger.commands import Adjust
from schema.enums import AdjustmentKind
from schema.scalars import Decimal
from schema.usage import CostEntry
from schema.words import nano


@strawberry.input(
    description="A change of what an operation cost. It counts in the windows of the entry that it adjusts."
)
class AdjustUsageInput:
    """An adjustment as asked for."""

    idempotency_key: strawberry.ID
    operation_id: strawberry.ID
    kind: AdjustmentKind
    change: Decimal = strawberry.field(
        description="What is added to the cost, in its currency: below zero for a REFUND or a CREDIT."
    )
    entry: int = strawberry.field(
        default=1, description="Which of the operation's costEntries, from 1: one that grew has several."
    )
    reason: str | None

    def command(self, principal: Principal, entry_uid: str | None) -> Adjust:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        return Adjust(
            principal.tenant,
            principal.scope_uid,
            self.idempotency_key,
            self.operation_id,
            nano(self.change, "change") or 0,
            self.kind,
            entry_uid,
            self.reason,
            principal.key_id,
        )


@strawberry.type(description="The adjustment is booked. A duplicate is answered as it was the first time.")
class AdjustedUsage:
    """The adjustment is booked."""

    operation_id: strawberry.ID
    duplicate: bool
    cost_entry: CostEntry

    @classmethod
    def of(cls, row: results.Adjusted, entry: int) -> Self:
        """From the ledger's."""
        return cls(
            operation_id=strawberry.ID(row.entry.token_usage_id),
            duplicate=row.duplicate,
            cost_entry=CostEntry.of(row.entry, entry),
        )
