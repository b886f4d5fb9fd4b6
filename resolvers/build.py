"""The schema, put together."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any, cast

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
from resolvers.mutations.archive import ArchiveMutations
from resolvers.mutations.budget import BudgetMutations
from resolvers.mutations.experiment import ExperimentMutations
from resolvers.mutations.key import KeyMutations
from resolvers.mutations.override import OverrideMutations
from resolvers.mutations.price import PriceMutations
from resolvers.mutations.price_source import PriceSourceMutations
from resolvers.mutations.repricing import RepricingMutations
from resolvers.mutations.reservation import ReservationMutations
from resolvers.mutations.usage import UsageMutations
from resolvers.mutations.wallet import WalletMutations
from resolvers.mutations.webhook import WebhookMutations
from resolvers.queries.agent import AgentQueries
from resolvers.queries.agreement import AgreementQueries
from resolvers.queries.archive import ArchiveQueries
from resolvers.queries.audit import AuditQueries
from resolvers.queries.budget import BudgetQueries
from resolvers.queries.comparison import ComparisonQueries
from resolvers.queries.delegation import DelegationQueries
from resolvers.queries.display import DisplayQueries
from resolvers.queries.estimate import EstimateQueries
from resolvers.queries.experiment import ExperimentQueries
from resolvers.queries.key import KeyQueries
from resolvers.queries.override import OverrideQueries
from resolvers.queries.price import PriceQueries
from resolvers.queries.price_source import PriceSourceQueries
from resolvers.queries.quota import QuotaQueries
from resolvers.queries.reservation import ReservationQueries
from resolvers.queries.usage import UsageQueries
from resolvers.queries.webhook import WebhookQueries
from resolvers.subscriptions.budget import BudgetSubscriptions
from resolvers.subscriptions.event import EventSubscriptions
from schema.scalars import SCALARS

NO_OPERATION = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
"""What the library raises where a document holds no operation that is wanted."""


@strawberry.type
class Query(
    BudgetQueries,
    AgentQueries,
    UsageQueries,
    ReservationQueries,
    OverrideQueries,
    PriceQueries,
    PriceSourceQueries,
    DisplayQueries,
    ComparisonQueries,
    EstimateQueries,
    AgreementQueries,
    KeyQueries,
    WebhookQueries,
    DelegationQueries,
    ExperimentQueries,
    AuditQueries,
    ArchiveQueries,
    QuotaQueries,
):
    """Everything that reads."""


@strawberry.type
class Mutation(
    BudgetMutations,
    AgentMutations,
    UsageMutations,
    ReservationMutations,
    AdjustmentMutations,
    OverrideMutations,
    PriceMutations,
    PriceSourceMutations,
    RepricingMutations,
    AgreementMutations,
    KeyMutations,
    WebhookMutations,
    ArchiveMutations,
    ExperimentMutations,
    WalletMutations,
):
    """Everything that changes something."""


@strawberry.type
class Subscription(EventSubscriptions, BudgetSubscriptions):
    """Everything that is told as it happens."""


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
        except NO_OPERATION:
            result = ExecutionResult(data=None, errors=[GraphQLError("There is no such operation to run.")])
        return _with_codes(result)

    async def followed(
        self,
        query: str,
        variable_values: dict[str, Any] | None,
        context_value: Any,
        operation_name: str | None = None,
    ) -> AsyncGenerator[ExecutionResult]:
        """The results of a subscription, one by one; nothing is raised."""
        results = await self.subscribe(query, variable_values, context_value, None, operation_name)
        try:
            async with aclosing(cast("AsyncGenerator[ExecutionResult]", results)) as told:
                async for result in told:
                    if any(isinstance(each.original_error, NO_OPERATION) for each in result.errors or ()):
                        result.errors = [GraphQLError("There is no such subscription to follow.")]
                    yield _with_codes(result)
        except GraphQLError as error:
            yield _with_codes(ExecutionResult(data=None, errors=[error]))

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: what is worth a log entry is logged where it is mapped, with its reference."""


def answer_of(result: ExecutionResult) -> dict[str, Any]:
    """A result in JSON."""
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [cast("dict[str, Any]", error.formatted) for error in result.errors]
    return answer


def _with_codes(result: ExecutionResult) -> ExecutionResult:
    if result.errors:
        result.errors = [mapped(error) for error in result.errors]
    return result


def build_schema() -> Schema:
    """The whole schema. Build it once per process."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        execution_context_class=PlainExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=limits(),
    )
