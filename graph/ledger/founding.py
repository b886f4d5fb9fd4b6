"""What a tenant has from the moment it is founded."""

from ledger.limits import amount_limit, thresholds
from ledger.model import UNATTRIBUTED, Budget, BudgetType, Recurrence, Schedule, id_of, uid_of


def unattributed(tenant: str) -> Budget:
    """The root budget that pays for what nobody else does."""
    uid = uid_of(tenant, UNATTRIBUTED)
    return Budget(
        uid=uid,
        tenant=tenant,
        budget_id=id_of(uid),
        parent_uid=None,
        name="Unattributed",
        amount_nano=None,
        currency="USD",
        budget_type=BudgetType.CUSTOM,
        resource_id=None,
        period_start_us=None,
        period_end_us=None,
        recurrence=Recurrence.NONE,
        timezone="UTC",
        rollup_timezone="UTC",
        warning_threshold_ppm=800_000,
        priority=None,
        created_at_us=0,
        schedules=(Schedule(0, Recurrence.NONE, "UTC"),),
        limits=(amount_limit(uid, None, thresholds(800_000)),),
    )
