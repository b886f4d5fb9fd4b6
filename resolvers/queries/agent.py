"""Agents.

A key that sees the whole tenant sees every agent. A confined key sees those whose own budget lies in its
subtree, and those that consumed in it (``Request.visible_agent_uids``).
"""

from bisect import bisect_right

import strawberry

from ledger.access import Permission
from ledger.model import Agent as AgentRow
from ledger.model import uid_of
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.agent import Agent, AgentConnection
from schema.page import PageInfo
from schema.words import check_first


async def page_of_agents(info: Info, after_id: str | None, first: int) -> tuple[list[AgentRow], bool]:
    """The next agents that the caller sees, by id, and whether more follow."""
    context, tenant = info.context, info.context.principal.tenant
    visible = await context.visible_agent_uids()
    if visible is None:
        rows = await context.read(context.services.agents.page, tenant, after_id, first + 1)
        return rows[:first], len(rows) > first
    uids = sorted(visible)
    begin = 0 if after_id is None else bisect_right(uids, uid_of(tenant, after_id))
    return await context.agents(uids[begin : begin + first]), len(uids) > begin + first


@strawberry.type
class AgentQueries:
    """What can be asked of agents."""

    @guarded(Permission.READ, description="The agent with that id; null where there is none for this key.")
    async def agent(self, info: Info, agent_id: strawberry.ID) -> Agent | None:
        """One agent."""
        await info.context.load_view()
        rows = await info.context.agents([uid_of(info.context.principal.tenant, agent_id)])
        return Agent.of(rows[0]) if rows else None

    @guarded(
        Permission.READ,
        description="The agents that the key sees, by id: a confined key's are those at home in its subtree "
        "and those that consumed in it.",
    )
    async def agents(self, info: Info, first: int = 50, after: str | None = None) -> AgentConnection:
        """A page of agents."""
        await info.context.load_view()
        after_id = cursors.after_of(cursors.AGENTS, after)
        rows, more = await page_of_agents(info, after_id, check_first(first))
        end = cursors.cursor_of(cursors.AGENTS, rows[-1].agent_id) if rows else None
        return AgentConnection(
            nodes=Agent.each(rows, info.context), page_info=PageInfo(has_next_page=more, end_cursor=end)
        )
