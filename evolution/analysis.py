"""One experiment looked at as a whole: fitness, generations, clades, frontiers, what discovery cost.

Everything is worked out from the same records when it is first asked for, and kept: reading changes nothing.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from evolution.candidates import candidates_of
from evolution.clades import Clade, CladeReport, clade_report
from evolution.columns import CostsBySource
from evolution.diversity import Diversity, diversity
from evolution.errors import InvalidInput
from evolution.fitness import Aggregate
from evolution.lineage import Lineage
from evolution.price import PriceTerms, price_by_generation
from evolution.records import (
    AgentNode,
    EfficiencyBy,
    Evaluation,
    Experiment,
    Missing,
    Normalisation,
    UnknownCost,
)
from evolution.scoring import AgentFitness, fitness_of, freeze
from evolution.selectors.base import Candidate, pool_of
from evolution.selectors.frontier import dominance_frontier, hull_frontier
from evolution.selectors.nsga2 import objectives
from evolution.totals import distinct, totals_of


class FrontierKind(StrEnum):
    """Whom nobody beats in cost and effectiveness; on the hull, no mixture of two either."""

    DOMINANCE = "DOMINANCE"
    HULL = "HULL"


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """What to score by where it is not what the experiment says. None: as the experiment says."""

    weights: tuple[tuple[str, float], ...] | None = None
    aggregate: Aggregate | None = None
    normalisation: Normalisation | None = None
    missing: Missing | None = None
    unknown_cost: UnknownCost | None = None
    efficiency_by: EfficiencyBy | None = None
    effectiveness_floor: float | None = None

    def applied(self, experiment: Experiment) -> Experiment:
        """The experiment with these in force. Raises ``InvalidInput``."""
        said: dict[str, Any] = {
            name: value
            for name in ("aggregate", "normalisation", "missing", "unknown_cost", "efficiency_by")
            if (value := getattr(self, name)) is not None
        }
        if self.weights is not None:
            said["weights"] = dict(self.weights)
        if self.effectiveness_floor is not None:
            said["effectiveness_floor"] = self.effectiveness_floor
        return replace(experiment, **said)


AS_SAID = ScoringOptions()


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generation cost and reached. Money in nano-units, as far as it is known."""

    number: int
    agents: int
    evaluations: int
    failed: int
    """Evaluations without a score, builds left out."""
    cost_nano: int
    unknown_costs: int
    best: AgentFitness | None
    mean_fitness: float | None
    price: PriceTerms | None
    """None where no measured agent has a measured child."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What it cost to find the best agent: building and evaluating it and all its ancestors, each once."""

    agent_id: str
    fitness: float
    cost_nano: int
    tree_cost_nano: int
    unknown_costs: int


class Analysis:
    """An experiment with all that is known of it.

    Where its references are neither declared nor frozen they are those of generation 0 as it stands. Where
    no founder has a known cost, no cost efficiency is known of anybody: ``comparable`` is false.
    """

    def __init__(
        self,
        experiment: Experiment,
        nodes: Iterable[AgentNode],
        evaluations: Iterable[Evaluation],
        costs: CostsBySource | None = None,
    ) -> None:
        """Take records in any order. Raises ``EvolutionError`` for records that cannot be."""
        self.costs = costs or CostsBySource()
        self.lineage = Lineage.of(nodes)
        self.evaluations = distinct(evaluations)
        self.comparable = True
        self.experiment = self._with_references(experiment)
        self._fitness: dict[ScoringOptions, Mapping[str, AgentFitness]] = {}

    @property
    def founders(self) -> list[str]:
        """The agents of generation 0; without any, those without a known parent."""
        nodes = self.lineage.nodes
        first = [node.agent_id for node in nodes if not node.generation]
        return first or [nodes[i].agent_id for i in self.lineage.roots]

    def _with_references(self, experiment: Experiment) -> Experiment:
        try:
            return freeze(experiment, self.evaluations, self.founders)
        except InvalidInput:
            self.comparable = False
        # Any reference does where no cost is compared; seconds and tokens are frozen all the same.
        return freeze(replace(experiment, c0_nano=1), self.evaluations, self.founders)

    @cached_property
    def _scored(self) -> list[Evaluation]:
        """The evaluations as they are scored: without a reference no cost says anything."""
        if self.comparable:
            return self.evaluations
        return [replace(each, cost_nano=None) for each in self.evaluations]

    def fitness(self, options: ScoringOptions = AS_SAID) -> Mapping[str, AgentFitness]:
        """Everybody's fitness by agent id. Raises ``InvalidInput``."""
        if options not in self._fitness:
            experiment = options.applied(self.experiment)
            totals = totals_of(self._scored, experiment, self.lineage.ids, checked=True)
            self._fitness[options] = {each.agent_id: each for each in fitness_of(totals, experiment)}
        return self._fitness[options]

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Everybody, as selectors look at them."""
        return candidates_of(self._scored, self.experiment, self.lineage)

    @cached_property
    def clades(self) -> CladeReport:
        """Every clade, and the tree as a whole."""
        experiment = self.experiment if self.comparable else replace(self.experiment, c0_nano=None)
        return clade_report(self.lineage, self.evaluations, experiment)

    def frontier(self, kind: FrontierKind) -> list[Candidate]:
        """Those whom nobody beats, the cheapest first. Who has no known cost is on no frontier."""
        candidates = {each.agent_id: each for each in candidates_of(self.evaluations, self.experiment)}
        pool = pool_of(candidates.values(), ("cost", "effectiveness"))
        if not len(pool):
            return []
        points = objectives(pool)
        rows = hull_frontier(points) if kind is FrontierKind.HULL else dominance_frontier(points)
        found = [candidates[pool.ids[i]] for i in rows]
        return sorted(found, key=lambda each: (each.cost or 0.0, each.agent_id))

    @cached_property
    def generations(self) -> list[Generation]:
        """Every generation, the first one first."""
        known = {node.agent_id: node.generation for node in self.lineage.nodes}
        rows: dict[int, list[Evaluation]] = {number: [] for number in sorted(set(known.values()))}
        for each in self.evaluations:
            rows[known[each.agent_id]].append(each)
        agents: dict[int, list[AgentFitness]] = {number: [] for number in rows}
        for name, each in self.fitness().items():
            agents[known[name]].append(each)
        prices = price_by_generation(self.lineage, self.traits)
        return [_generation(number, agents[number], rows[number], prices.get(number)) for number in rows]

    @cached_property
    def traits(self) -> dict[str, float]:
        """Ln smoothed cost of pass of everybody who has one: what the Price equation is about."""
        return {
            name: math.log(each.smoothed_cost_of_pass)
            for name, each in self.fitness().items()
            if each.smoothed_cost_of_pass
        }

    def diversity_of(self, generation: int) -> Diversity:
        """The diversity of one generation's agents. Raises ``InvalidInput`` where there are none."""
        alive = [node.agent_id for node in self.lineage.nodes if node.generation == generation]
        return diversity(self.lineage, alive)

    def discovery(self) -> Discovery | None:
        """What the best agent cost; None while nobody has a fitness."""
        best = best_of(self.fitness().values())
        if best is None or best.overall.value is None:
            return None
        clade: Clade = self.clades.of(best.agent_id)
        line = {best.agent_id} | {
            self.lineage.nodes[i].agent_id for i in self.lineage.ancestors(self.lineage.number(best.agent_id))
        }
        unknown = sum(each.cost_nano is None for each in self.evaluations if each.agent_id in line)
        return Discovery(
            best.agent_id,
            best.overall.value,
            clade.discovery_cost_nano,
            self.clades.tree_cost_nano,
            unknown,
        )


def best_of(rows: Iterable[AgentFitness]) -> AgentFitness | None:
    """The fittest; ties fall to the smaller id."""
    known = [each for each in rows if each.overall.value is not None]
    return min(known, key=lambda each: (-(each.overall.value or 0.0), each.agent_id), default=None)


def _generation(
    number: int, agents: list[AgentFitness], rows: list[Evaluation], price: PriceTerms | None
) -> Generation:
    values = [each.overall.value for each in agents if each.overall.value is not None]
    return Generation(
        number,
        len(agents),
        len(rows),
        sum(each.score is None and each.role != "build" for each in rows),
        sum(each.cost_nano or 0 for each in rows),
        sum(each.cost_nano is None for each in rows),
        best_of(agents),
        math.fsum(values) / len(values) if values else None,
        price,
    )
