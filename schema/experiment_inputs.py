"""What callers say of experiments, and what becomes of each row of a batch."""

from typing import Annotated, Final, Self

import orjson
import strawberry

from evolution.errors import Conflict, EvolutionError, InvalidInput, UnknownAgent
from evolution.records import AgentNode, Evaluation
from evolution.records import Experiment as ExperimentRecord
from evolution.stored import EvaluationEntry, MemberEntry, Written
from ledger.commands import check_name
from ledger.errors import LedgerError
from pricing.errors import PricingError
from schema.enums import (
    Aggregate,
    EfficiencyBy,
    EvaluationRole,
    MissingTasks,
    Normalisation,
    Operator,
    UnknownCosts,
)
from schema.fitness import FitnessWeightsInput
from schema.recording import ByClass
from schema.scalars import JSON, BigInt, Decimal
from schema.words import field_name, nano

JSON_BYTES_MAX: Final = 65_536
OPERATIONS_MAX: Final = 1_000
"""How many operations one evaluation may name."""
TASKS_MAX: Final = 10_000
SAID_AS: Final = {"parent_ids": "parent_agent_ids", "cost_nano": "cost"}
"""What callers call a field that the records call otherwise."""


def json_text(value: JSON | None, field: str) -> str | None:
    """JSON as it is kept. Raises ``InvalidInput`` for more than 64 KiB."""
    if value is None:
        return None
    encoded = orjson.dumps(value)
    if len(encoded) > JSON_BYTES_MAX:
        raise InvalidInput(f"{field} is larger than {JSON_BYTES_MAX} bytes of JSON", field=field)
    return encoded.decode()


@strawberry.input(
    description="A new experiment. What is not given has the documented default; the references are frozen "
    "from generation 0 unless they are declared."
)
class CreateExperimentInput:
    """A new experiment."""

    experiment_id: strawberry.ID
    budget_id: strawberry.ID = strawberry.field(description="Of the type EXPERIMENT: the experiment is it.")
    name: str | None
    weights: FitnessWeightsInput | None
    seed: BigInt = BigInt(0)
    reference_price: Decimal | None = strawberry.field(
        description="c0: what one success is held against, in the budget's currency."
    )
    reference_seconds: float | None
    reference_tokens: float | None
    metadata: JSON | None
    tasks: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="What everybody is held against; empty: whatever was evaluated."
    )
    aggregate: Aggregate = Aggregate.WEIGHTED
    normalisation: Normalisation = Normalisation.HALF_SATURATION
    missing: MissingTasks = MissingTasks.FAILED
    unknown_costs: UnknownCosts = UnknownCosts.WITHHELD
    efficiency_by: EfficiencyBy = EfficiencyBy.SECONDS
    confidence: float = 0.95
    effectiveness_floor: float = 0.0
    roles: list[EvaluationRole] = strawberry.field(default_factory=lambda: [EvaluationRole.EVALUATE])
    price_book: str | None

    def record(self, currency: str) -> ExperimentRecord:
        """The experiment's record. Raises ``EvolutionError``, ``LedgerError``, ``PricingError``."""
        check_name(self.experiment_id, "experiment_id")
        check_name(self.name, "name")
        c0_nano = nano(self.reference_price, "reference_price")
        if c0_nano is not None and c0_nano <= 0:
            raise InvalidInput("reference_price must be above 0", field="reference_price")
        if len(self.tasks) > TASKS_MAX:
            raise InvalidInput(f"{len(self.tasks)} tasks; at most {TASKS_MAX} are taken", field="tasks")
        return ExperimentRecord(
            self.experiment_id,
            tuple(self.tasks),
            {} if self.weights is None else self.weights.given(),
            self.aggregate,
            self.normalisation,
            self.missing,
            self.unknown_costs,
            self.efficiency_by,
            self.confidence,
            self.effectiveness_floor,
            c0_nano,
            self.reference_seconds,
            self.reference_tokens,
            roles=tuple(self.roles),
            currency=currency,
            price_book=self.price_book,
            budget_id=self.budget_id,
            seed=self.seed,
        )


@strawberry.input(
    description="An agent that takes part. A new one is at home in the experiment's budget. Name parents "
    "before their children."
)
class RecordLineageInput:
    """An agent that takes part."""

    agent_id: strawberry.ID
    parent_agent_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="In the order in which they count; unknown ones are created."
    )
    generation: int = 0
    operator: Operator = Operator.SEED
    name: str | None
    metadata: JSON | None
    island: str | None

    def entry(self) -> MemberEntry:
        """As it is kept. Raises ``EvolutionError``, ``LedgerError``."""
        check_name(self.agent_id, "agent_id")
        check_name(self.island, "island")
        node = AgentNode(
            self.agent_id, tuple(self.parent_agent_ids), self.generation, self.operator, self.island
        )
        return MemberEntry(node, self.name, json_text(self.metadata, "metadata"))


@strawberry.input(
    description="One agent on one task, once. What it cost is read from the ledger whenever somebody looks: "
    "by operationIds, or by sessionId (all usage of that session). A cost is for money that is in no ledger "
    "of ours, and marked as imported."
)
class RecordEvaluationInput:
    """One agent on one task, once."""

    evaluation_id: strawberry.ID
    agent_id: strawberry.ID
    task_id: strawberry.ID
    score: float | None = strawberry.field(description="In [0, 1]; null: it ended without one.")
    seconds: float | None
    tokens: BigInt | None = strawberry.field(description="Null: those of its usage.")
    role: EvaluationRole = EvaluationRole.EVALUATE
    operation_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    session_id: strawberry.ID | None
    cost: Decimal | None
    cost_currency: str = "USD"
    log: JSON | None = strawberry.field(
        description="What a runner keeps so that it can resume. It is no part of the content: a later one "
        "replaces it."
    )

    def entry(self, currency: str, scope_uid: str | None) -> EvaluationEntry:
        """As it is kept. Raises ``EvolutionError``, ``LedgerError``, ``PricingError``."""
        for name in ("evaluation_id", "agent_id", "task_id", "session_id"):
            check_name(getattr(self, name), name)
        for each in self.operation_ids:
            check_name(each, "operation_ids")
        self._check_claims(currency)
        evaluation = Evaluation(
            self.agent_id,
            self.task_id,
            self.score,
            nano(self.cost, "cost"),
            self.seconds,
            self.tokens,
            self.role,
            operation_ids=tuple(self.operation_ids),
        )
        return EvaluationEntry(
            self.evaluation_id, evaluation, self.session_id, scope_uid, json_text(self.log, "log")
        )

    def _check_claims(self, currency: str) -> None:
        said = (bool(self.operation_ids), self.session_id is not None, self.cost is not None)
        if sum(said) > 1:
            raise InvalidInput(
                "operation_ids, session_id or cost: one of them says what it cost", field="cost"
            )
        if len(self.operation_ids) > OPERATIONS_MAX or len(set(self.operation_ids)) < len(self.operation_ids):
            raise InvalidInput(
                f"operation_ids are at most {OPERATIONS_MAX}, each once", field="operation_ids"
            )
        if self.cost is not None and self.cost_currency != currency:
            raise InvalidInput(
                f"cost_currency must be the experiment's, {currency}, not {self.cost_currency}",
                field="cost_currency",
            )


@strawberry.type(description="The agent takes part. A duplicate was recorded before.")
class RecordedAgent:
    """The agent takes part."""

    agent_id: strawberry.ID
    duplicate: bool


@strawberry.type(description="The evaluation is recorded. A duplicate was recorded before.")
class RecordedEvaluation:
    """The evaluation is recorded."""

    evaluation_id: strawberry.ID
    duplicate: bool


@strawberry.type(description="A row of a batch that was not recorded; the others were.")
class RefusedRow:
    """A row that was not recorded."""

    row: int = strawberry.field(description="Its number in the batch, from 0.")
    row_id: strawberry.ID
    code: str
    field: str | None
    message: str

    @classmethod
    def of(cls, number: int, row_id: str, error: "RowError") -> Self:
        """Why a row was not recorded."""
        field = field_name(SAID_AS.get(error.field or "", error.field))
        message = error.message if error.field is None else error.message.replace(error.field, str(field), 1)
        return cls(row=number, row_id=strawberry.ID(row_id), code=error.code, field=field, message=message)


RowError = EvolutionError | LedgerError | PricingError

RecordLineageResult = Annotated[RecordedAgent | RefusedRow, ByClass(name="RecordLineageResult")]
RecordEvaluationResult = Annotated[RecordedEvaluation | RefusedRow, ByClass(name="RecordEvaluationResult")]


def refusal_of(written: Written, what: str, agent_id: str) -> EvolutionError | None:
    """Why the graph took no row; None where it did."""
    match written:
        case Written.CONFLICT:
            return Conflict(f"{what} is recorded with other content.")
        case Written.MISSING:
            return UnknownAgent(f"Agent {agent_id} takes no part in this experiment.", field="agent_id")
        case _:
            return None
