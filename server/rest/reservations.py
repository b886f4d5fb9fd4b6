"""``/v1/reservations``: money held before it is spent. The hot path of agents that ask first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from ledger.errors import InvalidInput, NotFound
from ledger.holds import HoldState
from ledger.model import uid_of
from ledger.results import (
    RecordResult,
    Reservation,
    ReserveResult,
    Settled,
    SettleResult,
    Streamed,
    StreamResult,
    StreamShrank,
)
from resolvers.context import Context
from server.errors import BadRequest
from server.headers import Answer
from server.limits import read_json
from server.metrics import Metrics
from server.rest.refusals import PROBLEM, refusal_of
from server.rest.usage import CONFLICT, answer_of
from server.rest.words import instant, money, warning
from server.routes import GuardedRoute, Routes

HELD, OK, SHRANK = 201, 200, 409
_PROBLEM: Final = PROBLEM.encode()


class Reserver(Protocol):
    """The ledger, as far as these routes need it."""

    async def reserve(self, principal: Principal, fields: Mapping[str, Any]) -> ReserveResult:
        """Hold an upper bound."""
        ...

    async def settle(
        self,
        principal: Principal,
        reservation_id: str,
        usages: Sequence[Mapping[str, Any]],
        *,
        final: bool = True,
    ) -> SettleResult:
        """Charge usage to a hold."""
        ...

    async def stream(self, principal: Principal, fields: Mapping[str, Any]) -> StreamResult:
        """Bill a chunk of a stream."""
        ...

    async def extend(self, principal: Principal, fields: Mapping[str, Any]) -> ReserveResult:
        """Hold for longer, perhaps more."""
        ...

    async def release(self, principal: Principal, reservation_id: str) -> Reservation:
        """Give back all that is held."""
        ...


class _Door:
    """What is done at each route. Refusals of money are counted by the ledger's front."""

    def __init__(
        self, metrics: Metrics, ledger: Reserver, context_of: Callable[[Principal], Context]
    ) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._context_of = context_of

    async def reserve(self, request: Request, principal: Principal) -> Response:
        """201 held · 200 the same again, or a dry run · 402 refused · 429 throttled · 422 price unknown."""
        result = await self._ledger.reserve(principal, await _fields(request))
        if not isinstance(result, Reservation):
            return refusal_of(result)
        # Of a dry run nothing is there: it was not created.
        new = not result.duplicate and result.state is HoldState.HELD
        return _json(reservation_body(result), HELD if new else OK)

    async def extend(self, request: Request, principal: Principal) -> Response:
        """200 extended · 402, 429 as above, and the reservation is as it was · 409 it has ended."""
        result = await self._ledger.extend(principal, await _of_reservation(request))
        return _json(reservation_body(result)) if isinstance(result, Reservation) else refusal_of(result)

    async def settle(self, request: Request, principal: Principal) -> Response:
        """200 settled, each usage with its own status · 409, 422 where none of the usages could be."""
        usages, final = settlement_of(await _fields(request))
        reservation_id = request.path_params["reservation_id"]
        result = await self._ledger.settle(principal, reservation_id, usages, final=final)
        if isinstance(result, Settled):
            results = [self._answered(each)[1] for each in result.results]
            return _json(settled_body(result, results))
        status, answer = self._answered(result)
        return _json(answer, status, _PROBLEM)

    async def stream(self, request: Request, principal: Principal) -> Response:
        """200 billed, or only asked; ``decision`` says go on, slow down, stop · 409 it shrank, conflicts."""
        result = await self._ledger.stream(principal, await _of_reservation(request))
        match result:
            case Streamed():
                return _json(streamed_body(result))
            case StreamShrank():
                self._metrics.refused(result.code)
                return _json(_shrank_body(result), SHRANK, _PROBLEM)
            case _:
                status, answer = self._answered(result)
                return _json(answer, status, _PROBLEM)

    def _answered(self, result: RecordResult) -> tuple[int, dict[str, Any]]:
        status, answer = answer_of(result)
        if status >= CONFLICT:
            self._metrics.refused(answer["code"])
        return status, answer

    async def release(self, request: Request, principal: Principal) -> Response:
        """200, a second time as well. It takes no body."""
        released = await self._ledger.release(principal, request.path_params["reservation_id"])
        return _json(reservation_body(released))

    async def show(self, request: Request, principal: Principal) -> Response:
        """404 for a reservation that is unknown, of another tenant, or outside of the key's subtree alike."""
        reservation_id = request.path_params["reservation_id"]
        found = await self._context_of(principal).reservation(uid_of(principal.tenant, reservation_id))
        if found is None:
            raise NotFound(f"There is no reservation {reservation_id}.", field="reservation_id")
        return _json(reservation_body(found))


def reservation_routes(
    routes: Routes, metrics: Metrics, ledger: Reserver, context_of: Callable[[Principal], Context]
) -> Sequence[GuardedRoute]:
    """The routes about reservations."""
    door = _Door(metrics, ledger, context_of)
    needs = Permission.RECORD
    return [
        routes.guarded("POST", "/v1/reservations", door.reserve, needs=needs),
        routes.guarded("POST", "/v1/reservations/{reservation_id}/settle", door.settle, needs=needs),
        routes.guarded("POST", "/v1/reservations/{reservation_id}/stream", door.stream, needs=needs),
        routes.guarded("POST", "/v1/reservations/{reservation_id}/extend", door.extend, needs=needs),
        routes.guarded("POST", "/v1/reservations/{reservation_id}/release", door.release, needs=needs),
        routes.guarded("GET", "/v1/reservations/{reservation_id}", door.show, needs=Permission.READ),
    ]


async def _fields(request: Request) -> dict[str, Any]:
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise BadRequest("Send one JSON object.")
    return cast("dict[str, Any]", body)


async def _of_reservation(request: Request) -> dict[str, Any]:
    """The body with the reservation that the path names."""
    fields = await _fields(request)
    if "reservation_id" in fields:
        raise InvalidInput("reservation_id is in the path already", field="reservation_id")
    return {**fields, "reservation_id": request.path_params["reservation_id"]}


def _json(body: object, status: int = OK, media_type: bytes = b"application/json") -> Response:
    return Answer(orjson.dumps(body), status, media_type)


def settlement_of(fields: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The usages of a settlement's body, and whether it is the last one. Raises ``InvalidInput``."""
    for name in fields:
        if name not in {"usages", "final"}:
            raise InvalidInput(f"{name}: a settlement has usages and final", field=name)
    usages, final = fields.get("usages"), fields.get("final", True)
    if not isinstance(usages, list) or not all(
        isinstance(each, dict) for each in cast("list[object]", usages)
    ):
        raise InvalidInput("usages must be an array of objects", field="usages")
    if not isinstance(final, bool):
        raise InvalidInput("final must be true or false", field="final")
    return cast("list[dict[str, Any]]", usages), final


def reservation_body(row: Reservation) -> dict[str, Any]:
    """A reservation in the words of GraphQL's ``Reservation``."""
    return {
        "reservation_id": row.reservation_id,
        "state": row.state,
        "agent_id": row.agent_id,
        "budget_id": row.budget_id,
        "amount": money(row.amount_nano),
        "remaining": money(row.remaining_nano),
        "charged": money(row.charged_nano),
        "expires_at": instant(row.expires_at_us),
        "decision": row.decision,
        "delay_ms": row.delay_ms,
        "duplicate": row.duplicate,
        "override_id": row.override_id,
        "warnings": [warning(each) for each in row.warnings],
    }


def settled_body(row: Settled, results: list[dict[str, Any]]) -> dict[str, Any]:
    """A settlement in the words of GraphQL's ``Settled``."""
    return {
        "reservation": reservation_body(row.reservation),
        "results": results,
        "charged": money(row.charged_nano),
        "overrun": money(row.overrun_nano),
        "late": row.late,
        "decision": row.decision,
        "delay_ms": row.delay_ms,
        "warnings": [warning(each) for each in row.warnings],
    }


def streamed_body(row: Streamed) -> dict[str, Any]:
    """A stream in the words of GraphQL's ``Streamed``."""
    return {
        "reservation": reservation_body(row.reservation),
        "operation_id": row.operation_id,
        "total_tokens": row.total_tokens,
        "charged": money(row.charged_nano),
        "remaining": money(row.reservation.remaining_nano),
        "overrun": money(row.overrun_nano),
        "decision": row.decision,
        "delay_ms": row.delay_ms,
        "duplicate": row.duplicate,
        "late": row.late,
        "pricing": row.pricing,
        "processing_time_ms": row.processing_time_ms,
        "warnings": [warning(each) for each in row.warnings],
    }


def _shrank_body(row: StreamShrank) -> dict[str, Any]:
    """Where the stream stands, as a problem."""
    return {
        "status": SHRANK,
        "code": row.code,
        "title": "The stream shrank",
        "field": "total_tokens",
        "detail": row.message,
        **streamed_body(row.standing),
    }
