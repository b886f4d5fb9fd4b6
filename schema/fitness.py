"""Fitness of agents in an experiment: three dimensions with their intervals, and what they come to."""

from collections.abc import Mapping
from typing import Self

import strawberry

from evolution.intervals import Interval as Bounds
from evolution.scoring import AgentFitness as FitnessRow
from schema.scalars import BigInt, Decimal
from schema.words import money

Score = float
"""A number in [0, 1]."""


def optional_amount(nano: float | None) -> Decimal | None:
    """An average of money, to the nano-unit."""
    return None if nano is None else money(round(nano))


@strawberry.type(description="A confidence interval.")
class Interval:
    """A confidence interval."""

    low: float
    high: float

    @classmethod
    def of(cls, row: Bounds | None) -> Self | None:
        """From evolution's."""
        return None if row is None else cls(low=row.low, high=row.high)


@strawberry.type(description="A confidence interval of money.")
class MoneyInterval:
    """A confidence interval of money."""

    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, row: Bounds | None) -> Self | None:
        """From evolution's."""
        return None if row is None else cls(low=money(round(row.low)), high=money(round(row.high)))


@strawberry.type(description="What each dimension counts; they sum to 1.")
class FitnessWeights:
    """What each dimension counts."""

    effectiveness: Score
    efficiency: Score
    cost_efficiency: Score

    @classmethod
    def of(cls, row: Mapping[str, float]) -> Self:
        """From evolution's; one that dropped out counts nothing."""
        return cls(
            effectiveness=row.get("effectiveness", 0.0),
            efficiency=row.get("efficiency", 0.0),
            cost_efficiency=row.get("cost_efficiency", 0.0),
        )


@strawberry.input(
    description="What each dimension counts: .4, .3 and .3 for those that are not given, then normalised."
)
class FitnessWeightsInput:
    """What each dimension counts."""

    effectiveness: Score | None
    efficiency: Score | None
    cost_efficiency: Score | None

    def given(self) -> dict[str, float]:
        """Those that were given."""
        said = {
            "effectiveness": self.effectiveness,
            "efficiency": self.efficiency,
            "cost_efficiency": self.cost_efficiency,
        }
        return {name: value for name, value in said.items() if value is not None}


def weights_of(said: FitnessWeightsInput | None) -> tuple[tuple[str, float], ...] | None:
    """The weights that were given, as options hold them."""
    return None if said is None else tuple(said.given().items())


@strawberry.type(
    description="What is known of one agent. Null is unknown, and never stands for 0. Money is in the "
    "experiment's currency."
)
class AgentFitness:
    """What is known of one agent."""

    agent_id: strawberry.ID
    overall: float | None = strawberry.field(description="The aggregate of the dimensions, in [0, 1].")
    weights: FitnessWeights = strawberry.field(
        description="Those in force: an unknown dimension drops out, and the rest is renormalised."
    )
    missing_dimensions: list[str]
    incomplete: bool = strawberry.field(description="Whether something that should count was not known.")
    effectiveness: Score | None
    efficiency: Score | None
    cost_efficiency: Score | None
    effectiveness_interval: Interval | None
    efficiency_interval: Interval | None
    cost_efficiency_interval: Interval | None
    cost_of_pass: Decimal | None = strawberry.field(
        description="Money per success, failures included; null without a success."
    )
    smoothed_cost_of_pass: Decimal | None
    cost_of_pass_interval: MoneyInterval | None
    trials: BigInt
    successes: float
    cost: Decimal = strawberry.field(description="All that is known to have been spent on its evaluations.")
    missing: BigInt = strawberry.field(
        description="Evaluations without a score, and tasks without an evaluation."
    )
    unknown_costs: BigInt

    @classmethod
    def of(cls, row: FitnessRow) -> Self:
        """From evolution's."""
        known = row.dimensions
        return cls(
            agent_id=strawberry.ID(row.agent_id),
            overall=row.overall.value,
            weights=FitnessWeights.of(row.overall.weights),
            missing_dimensions=list(row.overall.missing),
            incomplete=row.incomplete,
            effectiveness=known.effectiveness,
            efficiency=known.efficiency,
            cost_efficiency=known.cost_efficiency,
            effectiveness_interval=Interval.of(row.effectiveness_interval),
            efficiency_interval=Interval.of(row.efficiency_interval),
            cost_efficiency_interval=Interval.of(row.cost_efficiency_interval),
            cost_of_pass=optional_amount(row.cost_of_pass),
            smoothed_cost_of_pass=optional_amount(row.smoothed_cost_of_pass),
            cost_of_pass_interval=MoneyInterval.of(row.cost_of_pass_interval),
            trials=BigInt(row.trials),
            successes=row.successes,
            cost=money(row.cost_nano),
            missing=BigInt(row.missing),
            unknown_costs=BigInt(row.unknown_costs),
        )
