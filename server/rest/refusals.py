"""Refusals of money as problems (RFC 9457): what is passed, what to do, and when to come back."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from ledger.committer import system_clock
from ledger.results import BudgetExceeded, PriceUnknown, Throttled, Violation
from server.rest.words import instant, quantity

PROBLEM = "application/problem+json"
REFUSED, UNPRICED, THROTTLED = 402, 422, 429
SECOND_MS = MILLISECOND_US = 1_000


def refusal_of(result: BudgetExceeded | Throttled | PriceUnknown) -> Response:
    """A refusal as a problem: what is passed, what to do, and when to come back where time helps."""
    body: dict[str, Any] = {"code": result.code}
    retry_ms: int | None = None
    match result:
        case BudgetExceeded():
            status, body["title"], body["detail"] = REFUSED, "Budget exceeded", result.detail
            body["message"] = result.message
            body["violations"] = [violation(each) for each in result.violations]
            retry_ms = resets_in_ms(result.violations)
        case Throttled():
            status, body["title"] = THROTTLED, "Throttled"
            body["detail"] = (
                "A limit that delays is reached. Send the same request again after retry_after_ms."
            )
            retry_ms = body["retry_after_ms"] = result.retry_after_ms
            body["violations"] = [violation(each) for each in result.violations]
        case PriceUnknown():
            status, body["title"] = UNPRICED, "Price unknown"
            body["detail"] = (
                "A cost is limited here, and nobody knows what this would cost at most. Say an amount, or "
                "max_completion_tokens of a model with a known price."
            )
            body |= {"provider": result.provider, "model_id": result.model_id, "reason": result.reason}
    body["status"] = status
    headers = {} if retry_ms is None else {"Retry-After": str(max(1, -(-retry_ms // SECOND_MS)))}
    return Response(orjson.dumps(body), status, headers, PROBLEM)


def resets_in_ms(violations: Sequence[Violation]) -> int | None:
    """When every violated limit will have begun anew; None where one of them never does by itself."""
    resets = [each.resets_at_us for each in violations]
    last_us = max((each for each in resets if each is not None), default=None)
    if last_us is None or None in resets:
        return None
    return -(-(last_us - system_clock()) // MILLISECOND_US)


def violation(each: Violation) -> dict[str, Any]:
    """A limit that a request would pass, in the words of GraphQL's ``Violation``."""
    meter = each.meter
    return {
        "message": each.message,
        "budget_id": each.budget_id,
        "meter": meter,
        "window": each.window,
        "limit": quantity(each.limit, meter),
        "spent": quantity(each.spent, meter),
        "reserved": quantity(each.reserved, meter),
        "requested": quantity(each.requested, meter),
        "available": quantity(each.available, meter),
        "projected_total": quantity(each.projected_total, meter),
        "resets_at": instant(each.resets_at_us),
        "redacted": each.redacted,
    }
