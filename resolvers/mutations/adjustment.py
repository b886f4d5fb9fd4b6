"""Adjusting what operations cost, and allowing more for a while."""

import strawberry

from ledger.access import Permission
from ledger.errors import NotFound
from ledger.model import EntryKind, uid_of
from resolvers.info import Info
from resolvers.mutations.budget import administered
from schema.access import guarded
from schema.adjustment import AdjustedUsage, AdjustUsageInput
from schema.budget import Budget
from schema.budget_inputs import IncreaseLimitInput


async def entry_uid_of(info: Info, operation_id: str, number: int) -> str:
    """The uid of one of an operation's entries. Raises ``NotFound``, in the ledger's words for any other.

    Whether the caller may see the operation is the ledger's to say.
    """
    rows = await info.context.cost_entries(uid_of(info.context.principal.tenant, operation_id))
    if not 1 <= number <= len(rows) or rows[number - 1].kind is EntryKind.ADJUSTMENT:
        raise NotFound(f"There is no such entry of operation {operation_id}.", field="operation_id")
    return rows[number - 1].uid


@strawberry.type
class AdjustmentMutations:
    """What can be put right."""

    @guarded(
        Permission.OPERATE,
        description="Refund, credit or correct what an operation cost, by an entry that names the one it "
        "adjusts; the windows that were charged have their money back.",
    )
    async def adjust_usage(self, info: Info, input: AdjustUsageInput) -> AdjustedUsage:
        """A booked adjustment."""
        info.context.renew()
        entry_uid = await entry_uid_of(info, input.operation_id, input.entry)
        command = input.command(info.context.principal, entry_uid)
        row = await info.context.services.reserving.adjust(command)
        info.context.renew()
        return AdjustedUsage.of(row, input.entry)

    @guarded(
        Permission.MANAGE_BUDGETS,
        description="Allow more than a limit's amount for a while. When it ends, the amount is what it was.",
    )
    async def increase_limit(self, info: Info, input: IncreaseLimitInput) -> Budget:
        """A budget with more room for a while."""
        return await administered(info, input.command(info.context.principal))
