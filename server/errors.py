"""The one place where an exception becomes an answer.

::

    ApiError                  status, code     raised by this room itself
    ├── Unauthenticated       401 UNAUTHENTICATED   no key, or none that we know
    ├── BadRequest            400 INVALID           not the JSON that we take
    ├── TooLarge              413 INVALID           more bytes or rows than a request may have
    ├── WrongMediaType        415 INVALID           JSON only: no form of another site can post here
    └── TooSlow               408 INVALID           the body did not arrive in time

Errors of the other rooms are mapped by their ``code``; what nobody foresaw is masked: the client
gets a reference, the log gets the reference and the trace.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import orjson
import structlog
from starlette.responses import Response

from evolution.errors import EvolutionError
from graph.errors import EngineError, GraphError
from insight.errors import InsightError
from ledger.errors import LedgerError, Overloaded, Unavailable
from pricing.errors import PricingError

logger = structlog.get_logger("costgraph.http")

STATUS_OF_CODE: Mapping[str, int] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "CYCLE": 409,
    "BUDGET_CLOSED": 409,
    "INVALID": 422,
    "CURRENCY_MISMATCH": 422,
    "AMOUNT_OUT_OF_RANGE": 422,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
RETRY_AFTER_SECONDS = 1


class ApiError(Exception):
    """A request that this room refuses by itself; the message says what to do."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "INVALID"


class Unauthenticated(ApiError):
    """No key came along, or none that is known and valid."""

    status = 401
    code = "UNAUTHENTICATED"


class BadRequest(ApiError):
    """The body is not what the route takes."""


class TooLarge(ApiError):
    """The body has more bytes or rows than a request may have."""

    status = 413


class WrongMediaType(ApiError):
    """The body is not declared to be JSON."""

    status = 415


class TooSlow(ApiError):
    """The body did not arrive in time."""

    status = 408


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told about a failure (RFC 9457, with ``code``)."""

    status: int
    code: str
    detail: str
    field: str | None = None
    reference: str | None = None
    retry_after_seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        headers: dict[str, str] = {}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="costgraph"'
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        return headers

    def response(self) -> Response:
        """The problem as ``application/problem+json``."""
        body = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "field": self.field,
            "reference": self.reference,
        }
        return Response(
            orjson.dumps({name: value for name, value in body.items() if value is not None}),
            self.status,
            self.headers,
            "application/problem+json",
        )


def problem_of(error: Exception) -> Problem:
    """What the client is told about an exception; anything unforeseen is logged and masked."""
    match error:
        case ApiError():
            return Problem(error.status, error.code, str(error))
        case Unavailable():
            seconds = error.retry_after_seconds if isinstance(error, Overloaded) else RETRY_AFTER_SECONDS
            return Problem(
                503, error.code, error.message, retry_after_seconds=max(RETRY_AFTER_SECONDS, round(seconds))
            )
        case LedgerError():
            return Problem(STATUS_OF_CODE[error.code], error.code, error.message, error.field)
        case PricingError() | InsightError() | EvolutionError():
            return Problem(STATUS_OF_CODE.get(error.code, 422), error.code, error.message, error.field)
        case GraphError() if error.retryable or isinstance(error, EngineError):
            logger.warning("engine_unavailable", error=str(error))
            detail = (
                "The graph engine does not answer now. Send the same request again: "
                "an operation id is never charged twice."
            )
            return Problem(503, "UNAVAILABLE", detail, retry_after_seconds=RETRY_AFTER_SECONDS)
        case _:
            reference = secrets.token_hex(8)
            logger.error("unforeseen_error", reference=reference, exc_info=error)
            detail = f"Something went wrong on our side. The server's log has it under {reference}."
            return Problem(500, "INTERNAL", detail, reference=reference)
