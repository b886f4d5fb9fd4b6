"""The one place where what a room raises becomes ``extensions`` of a GraphQL error.

::

    raised by                       code
    LedgerError, PricingError,      its own: FORBIDDEN NOT_FOUND INVALID CONFLICT CYCLE CURRENCY_MISMATCH
    InsightError, EvolutionError    BUDGET_CLOSED AMOUNT_OUT_OF_RANGE UNAVAILABLE
    GraphError that may pass        UNAVAILABLE
    GraphQL itself (syntax, names,  INVALID
    shapes of values, limits)
    anything else                   INTERNAL, masked: the log has it under the client's reference

``field`` names the input at fault, as GraphQL clients know it.
"""

import secrets

import structlog
from graphql import GraphQLError

from evolution.errors import EvolutionError
from graph.errors import EngineError, GraphError
from insight.errors import InsightError
from ledger.errors import LedgerError
from pricing.errors import PricingError
from schema.words import field_name

logger = structlog.get_logger("costgraph.graphql")

UNAVAILABLE = (
    "The graph engine does not answer now. Send the same request again: "
    "an operation id is never charged twice."
)


def cause_of(error: GraphQLError) -> BaseException | None:
    """What a resolver raised; None where GraphQL itself refuses."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def mapped(error: GraphQLError) -> GraphQLError:
    """The error as the client gets it, with ``extensions.code``."""
    message = error.message
    extensions: dict[str, str] = {}
    match cause_of(error):
        case None:
            extensions["code"] = "INVALID"
        case (LedgerError() | PricingError() | InsightError() | EvolutionError()) as cause:
            message = cause.message
            extensions["code"] = cause.code
            field = field_name(cause.field)
            if field is not None:
                extensions["field"] = field
        case GraphError() as cause if cause.retryable or isinstance(cause, EngineError):
            logger.warning("engine_unavailable", error=str(cause))
            message = UNAVAILABLE
            extensions["code"] = "UNAVAILABLE"
        case cause:
            reference = secrets.token_hex(8)
            logger.error("unforeseen_error", reference=reference, path=error.path, exc_info=cause)
            message = f"Something went wrong on our side. The server's log has it under {reference}."
            extensions = {"code": "INTERNAL", "reference": reference}
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
