"""What is stored of an experiment, as plain records: agents with their parents, evaluations, parameters.

Every record is frozen, hashable where it holds no map, and goes to JSON and back by ``evolution.codec``.
Money is an integer of nano-units; ``None`` is unknown, which is never the same as 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from evolution.checks import check_fraction, check_id, check_measure, check_nano, check_positive
from evolution.errors import InvalidInput
from evolution.fitness import Aggregate, normalised_weights


class Role(StrEnum):
    """What an evaluation's money was spent on."""

    BUILD = "build"
    EVALUATE = "evaluate"
    SERVE = "serve"


class Operator(StrEnum):
    """How an agent came to be."""

    SEED = "seed"
    MUTATION = "mutation"
    CROSSOVER = "crossover"
    MIGRANT = "migrant"


class Missing(StrEnum):
    """Which denominator counts when an agent has no score for a task: a crash must not look cheap.

    ``FAILED``: score 0; what it cost, if nobody knows, is the mean of the agent's known costs.
    ``ATTEMPTED``: only tasks with a score count, in every denominator; the agent is marked incomplete.
    ``WITHHELD``: the agent has no fitness.
    """

    FAILED = "failed"
    ATTEMPTED = "attempted"
    WITHHELD = "withheld"


class UnknownCost(StrEnum):
    """What an unknown cost of a scored task does to cost efficiency.

    ``WITHHELD``: the agent has none. ``PRICED_ONLY``: scores and costs of the priced tasks alone count,
    in both numerator and denominator; the agent is marked incomplete.
    """

    WITHHELD = "withheld"
    PRICED_ONLY = "priced_only"


class Normalisation(StrEnum):
    """How cost of pass becomes a number in [0, 1]; see ``evolution.normalise``."""

    HALF_SATURATION = "half_saturation"
    LOG = "log"
    FRONTIER = "frontier"
    PER_TASK = "per_task"


class EfficiencyBy(StrEnum):
    """What efficiency counts per success."""

    SECONDS = "seconds"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One agent on one task, once. ``trial`` tells repetitions apart.

    ``score`` in [0, 1]; None: it ended without one (a crash, or a build). ``cost_nano`` comes from the
    ledger's entries; None: unknown; 0 only where it was priced at 0. ``operation_ids`` name those entries.
    """

    agent_id: str
    task_id: str
    score: float | None
    cost_nano: int | None
    seconds: float | None = None
    tokens: int | None = None
    role: Role = Role.EVALUATE
    trial: int = 0
    operation_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse impossible numbers at the door."""
        check_id(self.agent_id, "agent_id")
        check_id(self.task_id, "task_id")
        check_fraction(self.score, "score")
        check_nano(self.cost_nano, "cost_nano")
        check_measure(self.seconds, "seconds")
        check_nano(self.tokens, "tokens")
        check_nano(self.trial, "trial")

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What makes it one and the same evaluation within an experiment."""
        return (self.agent_id, self.task_id, self.role, self.trial)


@dataclass(frozen=True, slots=True)
class AgentNode:
    """An agent in a lineage. A parent may be dangling: named, but not among the agents."""

    agent_id: str
    parent_ids: tuple[str, ...] = ()
    generation: int = 0
    operator: Operator = Operator.SEED
    island: str | None = None

    def __post_init__(self) -> None:
        """An agent is not its own parent and has each parent once; generations count from 0."""
        check_id(self.agent_id, "agent_id")
        for parent in self.parent_ids:
            check_id(parent, "parent_ids")
        if len(set(self.parent_ids)) < len(self.parent_ids):
            raise InvalidInput(f"agent {self.agent_id!r} names a parent twice", field="parent_ids")
        check_nano(self.generation, "generation")


@dataclass(frozen=True, slots=True)
class Experiment:
    """The frozen parameters of an experiment: with its agents and evaluations they reproduce every score.

    ``c0_nano``, ``reference_seconds`` and ``reference_tokens`` are what one success is held against; None
    until they are declared or frozen from generation 0 (``evolution.scoring.freeze``). ``task_c0_nano`` are
    references task by task, for ``per_task``. ``tasks`` is the denominator; empty: whatever was evaluated.
    """

    experiment_id: str
    tasks: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    aggregate: Aggregate = Aggregate.WEIGHTED
    normalisation: Normalisation = Normalisation.HALF_SATURATION
    missing: Missing = Missing.FAILED
    unknown_cost: UnknownCost = UnknownCost.WITHHELD
    efficiency_by: EfficiencyBy = EfficiencyBy.SECONDS
    confidence: float = 0.95
    effectiveness_floor: float = 0.0
    c0_nano: int | None = None
    reference_seconds: float | None = None
    reference_tokens: float | None = None
    task_c0_nano: Mapping[str, int] = field(default_factory=dict[str, int])
    roles: tuple[Role, ...] = (Role.EVALUATE,)
    currency: str = "USD"
    price_book: str | None = None
    """Which prices the costs were made from: agents are comparable under one only."""
    budget_id: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse parameters that cannot be."""
        check_id(self.experiment_id, "experiment_id")
        if len(set(self.tasks)) < len(self.tasks):
            raise InvalidInput("a task is listed twice", field="tasks")
        normalised_weights(self.weights)
        if not 0 < self.confidence < 1:
            raise InvalidInput(f"confidence ({self.confidence}) must be between 0 and 1", field="confidence")
        check_fraction(self.effectiveness_floor, "effectiveness_floor")
        for name in ("c0_nano", "reference_seconds", "reference_tokens"):
            check_positive(getattr(self, name), name)
        for each in self.task_c0_nano.values():
            check_positive(each, "task_c0_nano")
        if Role.BUILD in self.roles or not self.roles:
            raise InvalidInput("fitness is read from evaluate or serve, not from build", field="roles")
        check_nano(self.seed, "seed")


def operation_id_of(
    experiment_id: str, agent_id: str, task_id: str, trial: int = 0, role: Role = Role.EVALUATE
) -> str:
    """The id under which this evaluation is paid, the same in every run: whoever resumes pays nothing twice.

    128 bits in hexadecimal, so that it fits wherever an id does.
    """
    parts = (experiment_id, agent_id, task_id, str(trial), role)
    text = "".join(f"{len(each)}:{each}" for each in parts)
    return f"evo-{blake2b(text.encode(), digest_size=16).hexdigest()}"
