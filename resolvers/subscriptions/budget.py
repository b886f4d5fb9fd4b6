"""How a budget stands, told again whenever that changed."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import strawberry

from ledger.access import Permission
from ledger.errors import NotFound
from resolvers.following import woken_by
from resolvers.info import Info
from schema.access import guarded_stream
from schema.budget import BudgetStatus
from schema.context import BudgetStanding

PAUSE_SECONDS: Final = 0.25
"""Between two that are told: what happened meanwhile is told at once."""
LOOK_SECONDS: Final = 10.0
"""A window also ends when nobody commits anything."""


@strawberry.type
class BudgetSubscriptions:
    """How budgets stand."""

    @guarded_stream(
        Permission.READ,
        description="How a budget stands: now, and again when that changed; what changes within a quarter of "
        "a second is told together.",
    )
    async def budget_status(self, info: Info, budget_id: strawberry.ID) -> AsyncGenerator[BudgetStatus]:
        """How a budget stands, as it changes."""
        context = info.context
        told: BudgetStanding | None = None
        with woken_by(context) as (_, woken):
            while True:
                woken.clear()
                context.renew()
                row = (await context.load_view()).find(budget_id)
                if row is None:
                    raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
                standing = await context.standing(row.uid)
                if standing != told:
                    told = standing
                    yield BudgetStatus.of(standing)
                await asyncio.sleep(PAUSE_SECONDS)
                try:
                    await asyncio.wait_for(woken.wait(), LOOK_SECONDS)
                except TimeoutError:
                    continue
