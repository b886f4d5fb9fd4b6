"""Agents and their lineage."""

from collections.abc import Sequence
from typing import Self

import orjson
import strawberry

from evolution.analysis import ScoringOptions
from ledger import model
from ledger.access import Permission, Principal
from ledger.commands import RegisterAgent
from schema.access import guarded
from schema.budget import Budget
from schema.context import Context, Info
from schema.enums import Aggregate, EfficiencyBy, MissingTasks, Normalisation, UnknownCosts
from schema.fitness import AgentFitness, FitnessWeightsInput, weights_of
from schema.page import PageInfo
from schema.scalars import JSON, DateTime
from schema.words import FIRST_MAX, check_first, optional_id


@strawberry.type(
    description="An agent, and where its spend goes when nobody says. Of an agent at home elsewhere, "
    "a confined key sees the id alone."
)
class Agent:
    """An agent."""

    row: strawberry.Private[model.Agent]
    agent_id: strawberry.ID
    name: str | None
    user_id: strawberry.ID | None
    metadata: JSON | None
    created_at: DateTime | None

    @classmethod
    def of(cls, row: model.Agent) -> Self:
        """From the ledger's."""
        return cls(
            row=row,
            agent_id=strawberry.ID(row.agent_id),
            name=row.name,
            user_id=optional_id(row.user_id),
            metadata=None if row.metadata is None else JSON(orjson.loads(row.metadata)),
            created_at=DateTime(row.created_at_us) if row.created_at_us else None,
        )

    @classmethod
    def each(cls, rows: Sequence[model.Agent], context: Context) -> list[Self]:
        """Several of them, counted against what an answer may hold."""
        context.admit(len(rows))
        return [cls.of(row) for row in rows]

    @guarded(Permission.READ, description="The agents that it descends from, by id.")
    async def parents(self, info: Info) -> list["Agent"]:
        """The agents that it descends from."""
        uids = [model.uid_of(self.row.tenant, each) for each in self.row.parent_agent_ids]
        return Agent.each(await info.context.agents(uids), info.context)

    @guarded(Permission.READ, description="The agents that descend from it directly, by id.")
    async def children(
        self, info: Info, first: int = FIRST_MAX, after: strawberry.ID | None = None
    ) -> list["Agent"]:
        """The agents that descend from it directly."""
        uids = await info.context.agent_children(self.row.uid, after, check_first(first))
        return Agent.each(await info.context.agents(uids), info.context)

    @guarded(
        Permission.READ, description="Who pays for it when nobody says; null where the key may not see it."
    )
    def budget(self, info: Info) -> Budget | None:
        """Who pays for it."""
        row = info.context.view.get(self.row.budget_uid)
        return None if row is None else Budget.of(row)

    @guarded(
        Permission.READ,
        description="Its fitness in an experiment, by what it really cost; null where it takes no part in "
        "one that the key sees. What is not given is as the experiment says.",
    )
    async def fitness(
        self,
        info: Info,
        experiment: strawberry.ID,
        weights: FitnessWeightsInput | None = None,
        aggregate: Aggregate | None = None,
        normalisation: Normalisation | None = None,
        missing: MissingTasks | None = None,
        unknown_costs: UnknownCosts | None = None,
        efficiency_by: EfficiencyBy | None = None,
        effectiveness_floor: float | None = None,
    ) -> AgentFitness | None:
        """Its fitness in an experiment."""
        options = ScoringOptions(
            weights_of(weights),
            aggregate,
            normalisation,
            missing,
            unknown_costs,
            efficiency_by,
            effectiveness_floor,
        )
        row = await info.context.agent_fitness(self.row.agent_id, experiment, options)
        return None if row is None else AgentFitness.of(row)


@strawberry.type(description="A page of agents, by id.")
class AgentConnection:
    """A page of agents."""

    nodes: list[Agent]
    page_info: PageInfo


@strawberry.input(
    description="A new agent, or changes to a known one: what is given replaces, parents are added."
)
class RegisterAgentInput:
    """A new agent, or changes to a known one."""

    agent_id: strawberry.ID
    name: str | None
    parent_agent_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Unknown ones are created."
    )
    budget_id: strawberry.ID | None
    user_id: strawberry.ID | None
    metadata: JSON | None

    def command(self, principal: Principal) -> RegisterAgent:
        """The ledger's command."""
        return RegisterAgent(
            tenant=principal.tenant,
            scope_uid=principal.scope_uid,
            agent_id=self.agent_id,
            name=self.name,
            parent_agent_ids=tuple(self.parent_agent_ids),
            budget_id=self.budget_id,
            user_id=self.user_id,
            metadata=None if self.metadata is None else orjson.dumps(self.metadata).decode(),
        )
