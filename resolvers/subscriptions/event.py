"""What is told as it happens."""

from collections.abc import AsyncGenerator

import strawberry

from ledger.access import Permission
from ledger.events import COST_RECORDED
from resolvers.following import follow
from resolvers.info import Info
from schema.access import guarded_stream
from schema.enums import BudgetEventType
from schema.event import BudgetEvent, CostRecorded

FROM = "With `after`, the eventId of the last one that was seen, nothing in between is missed."


@strawberry.type
class EventSubscriptions:
    """Events of the tenant's sequence that the key sees, each at least once, in order."""

    @guarded_stream(
        Permission.READ,
        description=f"What is charged to the budgets that the key sees, or to one and below it. {FROM}",
    )
    async def cost_recorded(
        self, info: Info, budget_id: strawberry.ID | None = None, after: strawberry.ID | None = None
    ) -> AsyncGenerator[CostRecorded]:
        """Entries as they are written."""
        async for event in follow(info.context, (COST_RECORDED,), after, budget_id):
            yield CostRecorded.of(event)

    @guarded_stream(
        Permission.READ,
        description=f"Budgets that the key sees and that reach a threshold, all or below one. {FROM}",
    )
    async def budget_events(
        self,
        info: Info,
        types: list[BudgetEventType] | None = None,
        budget_id: strawberry.ID | None = None,
        after: strawberry.ID | None = None,
    ) -> AsyncGenerator[BudgetEvent]:
        """Thresholds as they are reached; of all types, where none are named."""
        wanted = [each.value for each in (BudgetEventType if types is None else types)]
        async for event in follow(info.context, wanted, after, budget_id):
            yield BudgetEvent.of(event)
