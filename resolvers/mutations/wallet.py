"""Prepaid credit: the ledger decides."""

import strawberry

from ledger.access import Permission
from resolvers.info import Info
from resolvers.mutations.budget import administered
from schema.access import guarded
from schema.budget import Budget
from schema.wallet import TopUpInput


@strawberry.type
class WalletMutations:
    """What can be done to wallets."""

    @guarded(
        Permission.MANAGE_BUDGETS,
        description="Add prepaid credit to a budget. From its first top-up on a budget has a wallet: what is "
        "reserved on it, and on all below it, must fit into what is available there, too.",
    )
    async def top_up(self, info: Info, input: TopUpInput) -> Budget:
        """A budget with more credit."""
        return await administered(info, input.command(info.context.principal))
