"""Agents by uid, and the children of agents."""

from ledger.model import Agent, uid_of
from resolvers.request import Request

Children = tuple[str, str | None, int]
"""An agent's uid, the id after which to begin, how many at most."""


async def load_agents(request: Request, uids: list[str]) -> list[Agent | None]:
    """Each of some agents, where it exists."""
    found = await request.read(request.services.agents.get, uids)
    return [found.get(uid) for uid in uids]


async def load_children(request: Request, asked: list[Children]) -> list[list[str]]:
    """The uids of the children of each agent, by uid."""
    tenant = request.principal.tenant
    wanted = [(uid, uid_of(tenant, after_id or "")) for uid, after_id, _ in asked]
    found = await request.read(request.services.agents.children, wanted)
    return [uids[:first] for uids, (_, _, first) in zip(found, asked, strict=True)]
