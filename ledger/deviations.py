"""What operations cost beside what they were expected to: how far off an estimate was.

The estimate comes with the usage, in the currency of the budget that pays. It is compared once the operation
has its cost: when it is recorded, settled for good, or gets its price later. Streams are no anomaly while
they flow; what has no price, or was charged by what was held, has nothing to compare.
"""

from ledger.changes import Deviation
from ledger.model import ChargePath, Pricing, id_of
from ledger.plan import Facts
from ledger.state import TenantState
from pricing.anomaly import detect


def note_deviation(
    state: TenantState,
    uid: str,
    path: ChargePath,
    facts: Facts,
    estimated_nano: int | None,
    charged_nano: int,
    pricing: Pricing,
    now_us: int,
    *,
    grown: bool = False,
) -> None:
    """Note that an operation's cost is not what was estimated, if that is so. A later note replaces it.

    ``grown`` says that the operation had a cost before: what was noted of that holds no longer.
    """
    if estimated_nano is None or pricing is not Pricing.PRICED:
        return
    anomaly = detect(
        id_of(uid),
        facts["provider"],
        facts["model_id"],
        estimated_nano=estimated_nano,
        actual_nano=charged_nano,
        at_us=now_us,
    )
    if anomaly is None and grown:
        state.changes.expected.append(uid)
    leaf = state.tree.get(path.leaf_uid)
    if anomaly is not None and leaf is not None:
        agent_id = facts["agent_id"] or ""
        state.changes.deviations.append(
            Deviation(uid, state.tenant, agent_id, leaf.budget_id, path.uid, leaf.currency, anomaly)
        )
