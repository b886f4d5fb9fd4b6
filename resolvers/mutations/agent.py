"""Changes to agents: the ledger decides them."""

from typing import cast

import strawberry

from ledger import model
from ledger.access import Permission
from ledger.errors import Conflict
from resolvers.info import Info
from schema.access import guarded
from schema.agent import Agent, RegisterAgentInput


async def check_reach(info: Info, agent_id: str) -> None:
    """A confined key changes no agent that it does not see. Raises ``Conflict``."""
    visible = await info.context.visible_agent_uids()
    uid = model.uid_of(info.context.principal.tenant, agent_id)
    if visible is not None and uid not in visible:
        found = await info.context.read(info.context.services.agents.get, [uid])
        if found:
            raise Conflict(f"Agent id {agent_id} is taken.", field="agent_id")


@strawberry.type
class AgentMutations:
    """What can be done to agents."""

    @guarded(
        Permission.MANAGE_AGENTS,
        description="Create an agent or change a known one: what is given replaces, parents are added. "
        "A confined key's agents are at home in its budget unless another is named.",
    )
    async def register_agent(self, info: Info, input: RegisterAgentInput) -> Agent:
        """A registered agent."""
        info.context.renew()
        await check_reach(info, input.agent_id)
        command = input.command(info.context.principal)
        row = cast("model.Agent", await info.context.services.ledger.submit(command))
        info.context.renew()
        await info.context.load_view()
        return Agent.of(row)
