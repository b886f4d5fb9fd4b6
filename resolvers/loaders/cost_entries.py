"""What usages incurred."""

from collections.abc import Sequence

from ledger.model import CostEntry
from resolvers.request import Request


async def load_cost_entries(request: Request, usage_uids: list[str]) -> list[Sequence[CostEntry]]:
    """The entries of each usage, in the order in which they were written."""
    found = await request.read(request.services.usage.entries, usage_uids)
    return [found.get(uid, ()) for uid in usage_uids]
