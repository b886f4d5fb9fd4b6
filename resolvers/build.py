"""The schema, put together."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.exceptions import MissingQueryError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from resolvers.errors import mapped
from resolvers.executor import PlainExecutor
from resolvers.limits import limits
from resolvers.mutations.adjustment import AdjustmentMutations
from resolvers.mutations.agent import AgentMutations
from resolvers.mutations.agreement import AgreementMutations
from resolvers.mutations.budget import BudgetMutations
from resolvers.mutations.experiment import ExperimentMutations
from resolvers.mutations.key import KeyMutations
from resolvers.mutations.price import PriceMutations
from resolvers.mutations.price_source import PriceSourceMutations
from resolvers.mutations.repricing import RepricingMutations
from resolvers.mutations.reservation import ReservationMutations
from resolvers.mutations.usage import UsageMutations
from resolvers.queries.agent import AgentQueries
from resolvers.queries.agreement import AgreementQueries
from resolvers.queries.audit import AuditQueries
from resolvers.queries.budget import BudgetQueries
from resolvers.queries.comparison import ComparisonQueries
from resolvers.queries.display import DisplayQueries
from resolvers.queries.estimate import EstimateQueries
from resolvers.queries.experiment import ExperimentQueries
from resolvers.queries.key import KeyQueries
from resolvers.queries.price import PriceQueries
from resolvers.queries.price_source import PriceSourceQueries
from resolvers.queries.reservation import ReservationQueries
from resolvers.queries.usage import UsageQueries
from schema.scalars import SCALARS


@strawberry.type
class Query(
    BudgetQueries,
    AgentQueries,
    UsageQueries,
    ReservationQueries,
    PriceQueries,
    PriceSourceQueries,
    DisplayQueries,
    ComparisonQueries,
    EstimateQueries,
    AgreementQueries,
    KeyQueries,
    ExperimentQueries,
    AuditQueries,
):
    """Everything that reads."""


@strawberry.type
class Mutation(
    BudgetMutations,
    AgentMutations,
    UsageMutations,
    ReservationMutations,
    AdjustmentMutations,
    PriceMutations,
    PriceSourceMutations,
    RepricingMutations,
    AgreementMutations,
    KeyMutations,
    ExperimentMutations,
):
    """Everything that changes something."""


class Schema(strawberry.Schema):
    """A schema whose every failure is an answer with ``extensions.code``."""

    @property
    def built(self) -> GraphQLSchema:
        """The schema as graphql-core has it: for validation, and for tests that walk it."""
        return self._schema

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Execute one operation; nothing is raised."""
        try:
            result = await super().execute(
                query,
                variable_values,
                context_value,
                root_value,
                operation_name,
                allowed_operation_types,
                operation_extensions,
            )
        except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError):
            result = ExecutionResult(data=None, errors=[GraphQLError("There is no such operation to run.")])
        if result.errors:
            result.errors = [mapped(error) for error in result.errors]
        return result

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: what is worth a log entry is logged where it is mapped, with its reference."""


def build_schema() -> Schema:
    """The whole schema. Build it once per process."""
    return Schema(
        query=Query,
        mutation=Mutation,
        execution_context_class=PlainExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=limits(),
    )
