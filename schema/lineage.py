"""What a lineage did, and for how much: generations, clades, frontiers, paths."""

from collections.abc import Sequence
from typing import Self

import strawberry

from evolution.analysis import Analysis, Discovery
from evolution.analysis import FrontierKind as Kind
from evolution.analysis import Generation as GenerationRow
from evolution.clades import Clade as CladeRow
from evolution.errors import InvalidInput
from evolution.paths import path_attribution
from evolution.price import PriceTerms
from evolution.selectors.base import Candidate as CandidateRow
from schema.enums import FrontierKind
from schema.fitness import AgentFitness, Interval, Score, optional_amount
from schema.page import PageInfo
from schema.scalars import BigInt, Decimal
from schema.words import money

LogRatio = float
"""A difference of logarithms: below 0 is cheaper."""


@strawberry.type(
    description="The Price equation on the logarithm of smoothed cost per success: change = selection + "
    "transmission, exactly. Below 0 is cheaper."
)
class PriceEquation:
    """The Price equation of a generation."""

    change: LogRatio
    selection: LogRatio = strawberry.field(description="The cheap ones had more children.")
    transmission: LogRatio = strawberry.field(description="Children are cheaper than their parents.")
    parents: int
    offspring: float

    @classmethod
    def of(cls, row: PriceTerms | None) -> Self | None:
        """From evolution's."""
        if row is None:
            return None
        return cls(
            change=row.change,
            selection=row.selection,
            transmission=row.transmission,
            parents=row.parents,
            offspring=row.offspring,
        )


@strawberry.type(description="Of a generation's agents, along first parents, every edge of length 1.")
class PhylogeneticDiversity:
    """How different a generation's agents are."""

    tips: int
    faith_pd: int
    mean_pairwise_distance: float | None = strawberry.field(description="Null below two agents.")


@strawberry.type(description="What a generation cost and reached, in the experiment's currency.")
class Generation:
    """What a generation cost and reached."""

    number: int
    agents: int
    evaluations: BigInt
    failed: BigInt = strawberry.field(description="Evaluations without a score.")
    spend: Decimal = strawberry.field(description="All that is known to have been spent on its agents.")
    unknown_costs: BigInt
    best: AgentFitness | None
    mean_fitness: float | None
    price_equation: PriceEquation | None = strawberry.field(
        description="From its agents to their children; null where no measured agent has a measured child."
    )
    diversity: PhylogeneticDiversity | None

    @classmethod
    def of(cls, row: GenerationRow, analysis: Analysis) -> Self:
        """From evolution's."""
        found = analysis.diversity_of(row.number)
        return cls(
            number=row.number,
            agents=row.agents,
            evaluations=BigInt(row.evaluations),
            failed=BigInt(row.failed),
            spend=money(row.cost_nano),
            unknown_costs=BigInt(row.unknown_costs),
            best=None if row.best is None else AgentFitness.of(row.best),
            mean_fitness=row.mean_fitness,
            price_equation=PriceEquation.of(row.price),
            diversity=PhylogeneticDiversity(
                tips=found.tips,
                faith_pd=found.faith_pd,
                mean_pairwise_distance=found.mean_pairwise_distance,
            ),
        )

    @classmethod
    def page(cls, analysis: Analysis, after: int | None, first: int) -> list[Self]:
        """The next generations."""
        rows = [each for each in analysis.generations if after is None or each.number > after]
        return [cls.of(each, analysis) for each in rows[:first]]


@strawberry.type(description="What an agent and all its descendants did, each counted once. Null is unknown.")
class Clade:
    """What an agent and all its descendants did."""

    agent_id: strawberry.ID
    members: BigInt
    trials: BigInt
    successes: float
    success_interval: Interval | None
    cost: Decimal = strawberry.field(
        description="Known cost of evaluations, failures included; building is apart."
    )
    unknown_costs: BigInt
    cost_of_pass: Decimal | None
    cost_efficiency: Score | None
    build_cost: Decimal
    unknown_build_costs: BigInt
    discovery_cost: Decimal = strawberry.field(
        description="Known cost of building and evaluating the agent and all its ancestors, each once."
    )
    incomplete: bool

    @classmethod
    def of(cls, row: CladeRow) -> Self:
        """From evolution's."""
        return cls(
            agent_id=strawberry.ID(row.agent_id),
            members=BigInt(row.members),
            trials=BigInt(row.trials),
            successes=row.successes,
            success_interval=Interval.of(row.success_interval),
            cost=money(row.cost_nano),
            unknown_costs=BigInt(row.unknown_costs),
            cost_of_pass=optional_amount(row.cost_of_pass),
            cost_efficiency=row.cost_efficiency,
            build_cost=money(row.build_cost_nano),
            unknown_build_costs=BigInt(row.unknown_build_costs),
            discovery_cost=money(row.discovery_cost_nano),
            incomplete=row.incomplete,
        )


@strawberry.type(description="A page of clades, by agent id.")
class CladeConnection:
    """A page of clades."""

    nodes: list[Clade]
    page_info: PageInfo


@strawberry.type(description="An agent whom nobody beats.")
class FrontierPoint:
    """An agent whom nobody beats."""

    agent_id: strawberry.ID
    cost: Decimal | None = strawberry.field(description="Mean per evaluation.")
    effectiveness: float | None
    fitness: float | None


@strawberry.type(description="Whom nobody beats. Who has no known cost is on no frontier.")
class Frontier:
    """Whom nobody beats."""

    kind: FrontierKind
    size: int = strawberry.field(description="Of the whole frontier.")
    points: list[FrontierPoint] = strawberry.field(description="The first ones, the cheapest first.")

    @classmethod
    def of(cls, kind: Kind, rows: Sequence[CandidateRow], first: int) -> Self:
        """From evolution's."""
        points = [
            FrontierPoint(
                agent_id=strawberry.ID(each.agent_id),
                cost=optional_amount(each.cost),
                effectiveness=each.effectiveness,
                fitness=each.fitness,
            )
            for each in rows[:first]
        ]
        return cls(kind=kind, size=len(rows), points=points)


@strawberry.type(description="What it cost to find the best agent. Unknown costs are in no sum.")
class CostToDiscover:
    """What it cost to find the best agent."""

    agent_id: strawberry.ID
    fitness: float
    cost: Decimal = strawberry.field(description="Of the agent and all its ancestors, each once.")
    unknown_costs: BigInt = strawberry.field(description="Of the agent and its ancestors.")
    tree_cost: Decimal = strawberry.field(description="Of everybody: the price of all that was found.")

    @classmethod
    def of(cls, row: Discovery) -> Self:
        """From evolution's."""
        return cls(
            agent_id=strawberry.ID(row.agent_id),
            fitness=row.fitness,
            cost=money(row.cost_nano),
            unknown_costs=BigInt(row.unknown_costs),
            tree_cost=money(row.tree_cost_nano),
        )


@strawberry.type(
    description="From one measured agent on the path to the next: total = price + token + skill."
)
class PathStep:
    """From one measured agent to the next."""

    parent_id: strawberry.ID
    child_id: strawberry.ID
    total: LogRatio
    price: LogRatio
    token: LogRatio
    skill: LogRatio
    bridged: list[strawberry.ID] = strawberry.field(description="Agents in between that are not measured.")


@strawberry.type(description="How the logarithm of cost per success changed from a root to an agent.")
class PathAttribution:
    """How cost per success changed down a path."""

    path: list[strawberry.ID]
    steps: list[PathStep]
    total: LogRatio
    price: LogRatio
    token: LogRatio
    skill: LogRatio

    @classmethod
    def of(cls, analysis: Analysis, agent_id: str) -> Self | None:
        """None where nobody on the path is measured."""
        try:
            row = path_attribution(analysis.lineage, analysis.evaluations, analysis.experiment, agent_id)
        except InvalidInput:
            return None
        steps = [
            PathStep(
                parent_id=strawberry.ID(each.parent_id),
                child_id=strawberry.ID(each.child_id),
                total=each.total,
                price=each.price,
                token=each.token,
                skill=each.skill,
                bridged=[strawberry.ID(name) for name in each.bridged],
            )
            for each in row.steps
        ]
        path = [strawberry.ID(each) for each in row.path]
        return cls(path=path, steps=steps, total=row.total, price=row.price, token=row.token, skill=row.skill)


@strawberry.type(description="Costs by where they are known from; they are never one sum.")
class CostsBySource:
    """Costs by where they are known from."""

    measured: Decimal
    measured_count: BigInt
    imported: Decimal
    imported_count: BigInt
    unknown_count: BigInt

    @classmethod
    def of(cls, analysis: Analysis) -> Self:
        """From evolution's."""
        row = analysis.costs
        return cls(
            measured=money(row.measured_nano),
            measured_count=BigInt(row.measured),
            imported=money(row.imported_nano),
            imported_count=BigInt(row.imported),
            unknown_count=BigInt(row.unknown),
        )
