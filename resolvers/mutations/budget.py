"""Changes to budgets: the ledger decides them."""

from typing import cast

import strawberry

from ledger import model
from ledger.access import Permission
from ledger.commands import Administer, CloseBudget, MoveBudget
from resolvers.info import Info
from schema.access import guarded
from schema.budget import Budget
from schema.budget_inputs import CreateBudgetInput, UpdateBudgetInput


async def administered(info: Info, command: Administer) -> Budget:
    """Submit a change, then show the budget as it now stands in its tree. Raises ``LedgerError``."""
    info.context.renew()
    row = cast("model.Budget", await info.context.services.ledger.submit(command))
    await info.context.load_view()
    return Budget.of(row)


@strawberry.type
class BudgetMutations:
    """What can be done to budgets."""

    @guarded(
        Permission.MANAGE_BUDGETS,
        description="Create a budget. Asked again with equal content, the answer is the same.",
    )
    async def create_budget(self, info: Info, input: CreateBudgetInput) -> Budget:
        """A new budget."""
        return await administered(info, input.command(info.context.principal))

    @guarded(
        Permission.MANAGE_BUDGETS,
        description="Change a budget. A new recurrence or time zone begins with the next window.",
    )
    async def update_budget(self, info: Info, input: UpdateBudgetInput) -> Budget:
        """A changed budget."""
        return await administered(info, input.command(info.context.principal))

    @guarded(
        Permission.MANAGE_BUDGETS,
        description="Hang a budget under another parent; without one it becomes a root. "
        "It moves the future, not the past.",
    )
    async def move_budget(
        self, info: Info, budget_id: strawberry.ID, new_parent_budget_id: strawberry.ID | None = None
    ) -> Budget:
        """A moved budget."""
        principal = info.context.principal
        command = MoveBudget(
            principal.tenant, principal.scope_uid, budget_id, new_parent_budget_id, principal.key_id
        )
        return await administered(info, command)

    @guarded(
        Permission.MANAGE_BUDGETS, description="Close a budget for good. What is recorded on it still lands."
    )
    async def close_budget(self, info: Info, budget_id: strawberry.ID) -> Budget:
        """A closed budget."""
        principal = info.context.principal
        command = CloseBudget(principal.tenant, principal.scope_uid, budget_id, principal.key_id)
        return await administered(info, command)
