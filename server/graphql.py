"""``POST /graphql``: one operation per request, JSON only. What it may ask is the schema's business."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from resolvers.build import Schema, answer_of
from resolvers.context import Context
from server.errors import BadRequest, Problem
from server.headers import Answer
from server.limits import read_json
from server.metrics import Metrics
from server.routes import GuardedRoute, Routes

ContextOf = Callable[[Principal], Context]
"""Makes the context of one request of a caller."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request's body."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def operation_of(body: object) -> Operation:
    """The operation in a request's body. Raises ``BadRequest``."""
    if not isinstance(body, dict):
        raise BadRequest(
            'Send one JSON object {"query": …, "variables": {…}}; lists of operations are not taken.'
        )
    fields = cast("dict[str, Any]", body)
    query, variables, name = (fields.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        raise BadRequest('The body needs "query", the text of the operation.')
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest('"variables" must be a JSON object.')
    if name is not None and not isinstance(name, str):
        raise BadRequest('"operationName" must be a string.')
    return Operation(query, cast("dict[str, Any] | None", variables), name)


def graphql_routes(
    routes: Routes, metrics: Metrics, schema: Schema, context_of: ContextOf
) -> Sequence[GuardedRoute]:
    """The endpoint. A key is needed to ask at all; each field then asks for what it needs."""

    async def execute(request: Request, principal: Principal) -> Response:
        operation = operation_of(await read_json(request))
        result = await schema.execute(
            operation.query,
            operation.variables,
            context_value=context_of(principal),
            operation_name=operation.operation_name,
        )
        answer = answer_of(result)
        for error in answer.get("errors", ()):
            metrics.refusals.labels(code_of(error)).inc()
        return Answer(dumps(answer))

    return [routes.guarded("POST", "/graphql", execute, needs=Permission.READ, answer=as_graphql)]


def code_of(error: Mapping[str, Any]) -> str:
    """The code of a formatted error; what the language itself refuses (syntax, names, limits) is INVALID."""
    extensions = cast("Mapping[str, Any]", error.get("extensions") or {})
    return str(extensions.get("code", "INVALID"))


def as_graphql(problem: Problem) -> Response:
    """A failure before any field was asked, in the form that GraphQL clients read."""
    extensions = {"code": problem.code, "field": problem.field, "reference": problem.reference}
    error = {
        "message": problem.detail,
        "extensions": {name: value for name, value in extensions.items() if value is not None},
    }
    body = orjson.dumps({"data": None, "errors": [error]})
    return Response(body, problem.status, problem.headers, "application/json")


def dumps(answer: object) -> bytes:
    """JSON, with integers of any size."""
    try:
        return orjson.dumps(answer)
    except TypeError:  # an integer past 64 bits: a sum of counts may be
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
