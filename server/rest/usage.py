"""``POST /v1/usage``: the hot path. One operation, or up to 1,000."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from ledger.results import InvalidUsage, OperationConflict, RecordedUsage, RecordResult
from server.errors import BadRequest, TooLarge
from server.headers import Answer
from server.limits import ROWS_MAX, read_json
from server.metrics import Metrics
from server.rest.words import cost_entry, warning
from server.routes import GuardedRoute, Routes

SLICE = 100
RECORDED, DUPLICATE, CONFLICT, INVALID, UNAVAILABLE = 201, 200, 409, 422, 503


class Recorder(Protocol):
    """The ledger, as far as this route needs it."""

    async def record(self, principal: Principal, fields: Mapping[str, Any]) -> RecordResult:
        """Record one usage."""
        ...

    async def record_many(
        self, principal: Principal, rows: Sequence[Mapping[str, Any]]
    ) -> list[RecordResult]:
        """Record many, each on its own."""
        ...


def usage_routes(routes: Routes, metrics: Metrics, ledger: Recorder) -> Sequence[GuardedRoute]:
    """The route that records usage."""

    def answered(result: RecordResult) -> tuple[int, dict[str, Any]]:
        status, answer = answer_of(result)
        if status >= CONFLICT:
            metrics.refusals.labels(answer["code"]).inc()
        return status, answer

    async def record(request: Request, principal: Principal) -> Response:
        """201 new · 200 the same again · 409 other content · 422 invalid; an array always answers 200."""
        body: Any = await read_json(request)
        if isinstance(body, dict):
            result = await ledger.record(principal, cast("dict[str, Any]", body))
            status, answer = answered(result)
            media_type = b"application/json" if status < CONFLICT else b"application/problem+json"
            return Answer(orjson.dumps(answer), status, media_type)
        if not isinstance(body, list):
            raise BadRequest("Send one JSON object, or an array of objects.")
        rows = cast("list[Any]", body)
        if len(rows) > ROWS_MAX:
            raise TooLarge(
                f"{len(rows)} rows are more than the {ROWS_MAX} of one request. Send them in parts."
            )
        results = await record_rows(ledger, principal, rows)
        answers: list[dict[str, Any]] = []
        for begin in range(0, len(results), SLICE):
            answers.extend(answered(result)[1] for result in results[begin : begin + SLICE])
            await asyncio.sleep(0)  # single calls are not to wait for all of it
        return Answer(orjson.dumps({"results": answers}))

    return [routes.guarded("POST", "/v1/usage", record, needs=Permission.RECORD)]


async def record_rows(ledger: Recorder, principal: Principal, rows: Sequence[Any]) -> list[RecordResult]:
    """The rows' results in their order; one that is no object fails alone."""
    objects: list[dict[str, Any]] = [row for row in rows if isinstance(row, dict)]
    recorded = iter(await ledger.record_many(principal, objects))
    return [next(recorded) if isinstance(row, dict) else NOT_AN_OBJECT for row in rows]


NOT_AN_OBJECT = InvalidUsage("", "INVALID", None, "A row must be a JSON object.")


def answer_of(result: RecordResult) -> tuple[int, dict[str, Any]]:
    """The HTTP status of one result, and its body (which repeats the status, for arrays)."""
    match result:
        case RecordedUsage():
            status = DUPLICATE if result.duplicate else RECORDED
            return status, {
                "status": status,
                "operation_id": result.operation_id,
                "duplicate": result.duplicate,
                "pricing": result.pricing,
                "cost_entry": cost_entry(result.cost_entry),
                "warnings": [warning(each) for each in result.warnings],
            }
        case OperationConflict():
            return CONFLICT, {
                "status": CONFLICT,
                "code": "CONFLICT",
                "title": "Conflict",
                "operation_id": result.operation_id,
                "detail": result.message,
            }
        case InvalidUsage():
            status = UNAVAILABLE if result.code == "UNAVAILABLE" else INVALID
            return status, {
                "status": status,
                "code": result.code,
                "title": "Invalid usage" if status == INVALID else "Not recorded",
                "operation_id": result.operation_id,
                "field": result.field,
                "detail": result.message,
            }
