"""Changes to agents: the ledger decides them."""

from typing import cast

import strawberry

from ledger import model
from ledger.access import Permission
from resolvers.info import Info
from schema.access import guarded
from schema.agent import Agent, RegisterAgentInput


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
        command = input.command(info.context.principal)
        row = cast("model.Agent", await info.context.services.ledger.submit(command))
        await info.context.load_view()
        return Agent.of(row)
