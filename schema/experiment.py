"""Experiments: their parameters, who takes part, what evaluations gave, and what all of it says."""

from typing import Self

import orjson
import strawberry

from evolution.analysis import FrontierKind as Kind
from evolution.columns import Evaluations
from evolution.fitness import normalised_weights
from evolution.records import AgentNode
from evolution.stored import StoredExperiment
from ledger.access import Permission
from ledger.model import uid_of
from schema.access import guarded
from schema.agent import Agent
from schema.budget import Budget
from schema.context import Info
from schema.enums import (
    Aggregate,
    CostSource,
    EfficiencyBy,
    EvaluationRole,
    FrontierKind,
    MissingTasks,
    Normalisation,
    Operator,
    UnknownCosts,
)
from schema.fitness import FitnessWeights
from schema.lineage import (
    Clade,
    CladeConnection,
    CostsBySource,
    CostToDiscover,
    Frontier,
    Generation,
    PathAttribution,
)
from schema.page import PageInfo
from schema.scalars import JSON, BigInt, DateTime, Decimal
from schema.selection import Selection, SelectionConnection
from schema.words import FIRST_MAX, check_first, optional_money


@strawberry.type(
    description="An agent that takes part. Its parents stand in the order in which it names them."
)
class ExperimentAgent:
    """An agent that takes part."""

    tenant: strawberry.Private[str]
    agent_id: strawberry.ID
    generation: int
    operator: Operator
    parent_agent_ids: list[strawberry.ID]
    island: str | None

    @classmethod
    def of(cls, row: AgentNode, tenant: str) -> Self:
        """From evolution's."""
        return cls(
            tenant=tenant,
            agent_id=strawberry.ID(row.agent_id),
            generation=row.generation,
            operator=row.operator,
            parent_agent_ids=[strawberry.ID(each) for each in row.parent_ids],
            island=row.island,
        )

    @guarded(Permission.READ)
    async def agent(self, info: Info) -> Agent | None:
        """The agent itself."""
        row = await info.context.consumer(uid_of(self.tenant, self.agent_id))
        return None if row is None else Agent.of(row)


@strawberry.type(description="A page of agents that take part, by id.")
class ExperimentAgentConnection:
    """A page of agents that take part."""

    nodes: list[ExperimentAgent]
    page_info: PageInfo


@strawberry.type(description="One agent on one task, once. Null is unknown, and never stands for 0.")
class Evaluation:
    """One agent on one task, once."""

    experiment: strawberry.Private[StoredExperiment]
    evaluation_id: strawberry.ID
    agent_id: strawberry.ID
    task_id: strawberry.ID
    role: EvaluationRole
    score: float | None = strawberry.field(description="In [0, 1]; null: it ended without one.")
    seconds: float | None
    tokens: BigInt | None = strawberry.field(description="As said, else those of its usage.")
    cost: Decimal | None = strawberry.field(
        description="What its usage cost by now, adjustments included, or what was imported."
    )
    cost_source: CostSource

    @classmethod
    def each(cls, rows: Evaluations, experiment: StoredExperiment) -> list[Self]:
        """From columns."""
        columns = zip(rows.scores.tolist(), rows.seconds.tolist(), rows.tokens.tolist(), strict=True)
        costs: list[int] = rows.costs_nano.tolist()
        return [
            cls(
                experiment=experiment,
                evaluation_id=strawberry.ID(rows.ids[i]),
                agent_id=strawberry.ID(rows.agent_ids[i]),
                task_id=strawberry.ID(rows.task_ids[i]),
                role=EvaluationRole(rows.roles[i]),
                score=None if score < 0 else score,
                seconds=None if seconds < 0 else seconds,
                tokens=None if tokens < 0 else BigInt(tokens),
                cost=optional_money(None if costs[i] < 0 else costs[i]),
                cost_source=rows.source(i),
            )
            for i, (score, seconds, tokens) in enumerate(columns)
        ]

    @guarded(Permission.READ, description="What a runner keeps of it so that it can resume.")
    async def log(self, info: Info) -> JSON | None:
        """What a runner keeps of it."""
        text = await info.context.evaluation_log(self.experiment, self.evaluation_id)
        return None if text is None else JSON(orjson.loads(text))


@strawberry.type(description="A page of evaluations, by id.")
class EvaluationConnection:
    """A page of evaluations."""

    nodes: list[Evaluation]
    page_info: PageInfo


@strawberry.type(
    description="An experiment is a budget with parameters: with its agents and evaluations they reproduce "
    "every score."
)
class Experiment:
    """An experiment."""

    row: strawberry.Private[StoredExperiment]
    experiment_id: strawberry.ID
    budget_id: strawberry.ID
    name: str | None
    metadata: JSON | None
    created_at: DateTime
    currency: str
    seed: BigInt
    weights: FitnessWeights
    aggregate: Aggregate
    normalisation: Normalisation
    missing: MissingTasks
    unknown_costs: UnknownCosts
    efficiency_by: EfficiencyBy
    confidence: float
    effectiveness_floor: float
    roles: list[EvaluationRole]
    tasks: list[strawberry.ID] = strawberry.field(
        description="What everybody is held against; empty: whatever was evaluated."
    )
    price_book: str | None
    reference_price: Decimal | None = strawberry.field(
        description="c0, what a success is held against; null until it is declared or frozen."
    )
    reference_seconds: float | None
    reference_tokens: float | None
    frozen: bool = strawberry.field(description="Whether the references stay as they are.")

    @classmethod
    def of(cls, row: StoredExperiment) -> Self:
        """From what is stored."""
        said = row.record
        return cls(
            row=row,
            experiment_id=strawberry.ID(row.experiment_id),
            budget_id=strawberry.ID(row.budget_uid.partition("/")[2]),
            name=row.name,
            metadata=None if row.metadata is None else JSON(orjson.loads(row.metadata)),
            created_at=DateTime(row.created_at_us),
            currency=said.currency,
            seed=BigInt(said.seed),
            weights=FitnessWeights.of(normalised_weights(said.weights)),
            aggregate=said.aggregate,
            normalisation=said.normalisation,
            missing=said.missing,
            unknown_costs=said.unknown_cost,
            efficiency_by=said.efficiency_by,
            confidence=said.confidence,
            effectiveness_floor=said.effectiveness_floor,
            roles=list(said.roles),
            tasks=[strawberry.ID(each) for each in said.tasks],
            price_book=said.price_book,
            reference_price=optional_money(said.c0_nano),
            reference_seconds=said.reference_seconds,
            reference_tokens=said.reference_tokens,
            frozen=row.frozen,
        )

    @guarded(Permission.READ, description="The budget that it is.")
    def budget(self, info: Info) -> Budget | None:
        """The budget that it is."""
        row = info.context.view.get(self.row.budget_uid)
        return None if row is None else Budget.of(row)

    @guarded(Permission.READ, description="Who takes part, by id.")
    async def agents(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> ExperimentAgentConnection:
        """Who takes part."""
        page = await info.context.members(self.row, after, check_first(first))
        return ExperimentAgentConnection(
            nodes=[ExperimentAgent.of(each, self.row.tenant) for each in page.rows],
            page_info=PageInfo(has_next_page=page.more, end_cursor=page.end),
        )

    @guarded(Permission.READ, description="What evaluations gave, by id, with what they cost by now.")
    async def evaluations(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> EvaluationConnection:
        """What evaluations gave."""
        page = await info.context.evaluations(self.row, after, check_first(first))
        return EvaluationConnection(
            nodes=Evaluation.each(page.rows, self.row),
            page_info=PageInfo(has_next_page=page.more, end_cursor=page.end),
        )

    @guarded(Permission.READ, description="Who was selected, by the selections' ids.")
    async def selections(self, info: Info, first: int = 50, after: str | None = None) -> SelectionConnection:
        """Who was selected."""
        page = await info.context.selections(self.row, after, check_first(first))
        return SelectionConnection(
            nodes=[Selection.of(each) for each in page.rows],
            page_info=PageInfo(has_next_page=page.more, end_cursor=page.end),
        )

    @guarded(Permission.READ, description="By number; page on with the last number as `after`.")
    async def generations(self, info: Info, first: int = 50, after: int | None = None) -> list[Generation]:
        """What each generation cost and reached."""
        analysis = await info.context.analysis(self.row)
        length = check_first(first)
        return await info.context.worked_out(lambda: Generation.page(analysis, after, length))

    @guarded(
        Permission.READ,
        description="Those whom nobody beats in cost per evaluation and effectiveness, the cheapest first.",
    )
    async def frontier(
        self, info: Info, kind: FrontierKind = Kind.DOMINANCE, first: int = FIRST_MAX
    ) -> Frontier:
        """Those whom nobody beats."""
        analysis = await info.context.analysis(self.row)
        rows = await info.context.worked_out(lambda: analysis.frontier(kind))
        return Frontier.of(kind, rows, check_first(first))

    @guarded(Permission.READ, description="What an agent and all its descendants did, each counted once.")
    async def clade_report(self, info: Info, agent_id: strawberry.ID) -> Clade | None:
        """One clade."""
        analysis = await info.context.analysis(self.row)
        if agent_id not in analysis.lineage.index:
            return None
        report = await info.context.worked_out(lambda: analysis.clades)
        return Clade.of(report.of(agent_id))

    @guarded(Permission.READ, description="Every clade, by agent id.")
    async def clades(self, info: Info, first: int = 50, after: str | None = None) -> CladeConnection:
        """Every clade."""
        page = await info.context.clades(self.row, after, check_first(first))
        return CladeConnection(
            nodes=[Clade.of(each) for each in page.rows],
            page_info=PageInfo(has_next_page=page.more, end_cursor=page.end),
        )

    @guarded(
        Permission.READ,
        description="What it cost to find the best agent: building and evaluating it and all its ancestors. "
        "Null while nobody has a fitness.",
    )
    async def cost_to_discover(self, info: Info) -> CostToDiscover | None:
        """What it cost to find the best agent."""
        analysis = await info.context.analysis(self.row)
        row = await info.context.worked_out(analysis.discovery)
        return None if row is None else CostToDiscover.of(row)

    @guarded(
        Permission.READ,
        description="How cost per success changed from the root to an agent, in logarithms: split exactly "
        "into price, tokens and skill. Null where none on the path is measured.",
    )
    async def path_attribution(self, info: Info, agent_id: strawberry.ID) -> PathAttribution | None:
        """How cost per success changed down to an agent."""
        analysis = await info.context.analysis(self.row)
        if agent_id not in analysis.lineage.index:
            return None
        return await info.context.worked_out(lambda: PathAttribution.of(analysis, agent_id))

    @guarded(
        Permission.READ,
        description="All its evaluations' costs, by where they are known from: imported money is in no "
        "ledger of ours.",
    )
    async def costs(self, info: Info) -> CostsBySource:
        """Costs by where they are known from."""
        return CostsBySource.of(await info.context.analysis(self.row))


@strawberry.type(description="A page of experiments, by id.")
class ExperimentConnection:
    """A page of experiments."""

    nodes: list[Experiment]
    page_info: PageInfo
