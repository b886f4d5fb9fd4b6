"""What operations spent themselves, and by what they delegated."""

from insight.delegation import Forest, Shares, Spend
from resolvers.request import Request


async def load_delegations(request: Request, uids: list[str]) -> list[Shares]:
    """Of each of some operations."""
    tenant, view = request.principal.tenant, request.view
    nodes = await request.read(request.services.delegations.of_operations, tenant, uids)
    forest = await request.work(lambda: Forest(nodes, view.sees))
    return [forest.operation(uid) if uid in forest else Shares(Spend(), Spend()) for uid in uids]
