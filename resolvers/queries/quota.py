"""How far quotas are used."""

import strawberry

from ledger.access import Permission
from resolvers.info import Info
from resolvers.quotas import asked_budget, quota_usage
from schema.access import guarded
from schema.quota import QuotaUsage


@strawberry.type
class QuotaQueries:
    """What can be asked of quotas."""

    @guarded(
        Permission.READ,
        description="What a budget uses of its quotas; null where there is none with that id for this key. "
        "Without an id it is the key's own budget, else the only root beside `unattributed`.",
    )
    async def quota_usage(self, info: Info, budget_id: strawberry.ID | None = None) -> QuotaUsage | None:
        """How far a budget's quotas are used."""
        budget = asked_budget(await info.context.load_view(), budget_id)
        return None if budget is None else QuotaUsage.of(await quota_usage(info.context, budget))
