"""The HTTP application: every route, in one place."""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.access import Principal
from resolvers import build_schema
from resolvers.context import Context
from server.auth import Gate
from server.errors import Problem, problem_of
from server.graphql import graphql_routes
from server.headers import SafeHeaders
from server.health import Probe, health_routes
from server.page import page_routes
from server.rest.anomalies import anomaly_routes
from server.rest.balances import balance_routes
from server.rest.budgets import budget_routes
from server.rest.exports import export_routes
from server.rest.pricing import pricing_routes
from server.rest.quotas import quota_routes
from server.rest.reservations import reservation_routes
from server.rest.teams import team_routes
from server.rest.usage import usage_routes
from server.routes import GuardedRoute, GuardedSocket, Routes
from server.services import Running
from server.sockets import Sockets, socket_route


class Application(Starlette):
    """Starlette, with a straight way to its routes.

    A route answers everything itself, so the middlewares around it had nothing to do, and took a tenth of a
    small request's time. They are for what no route takes.
    """

    def __init__(self, routes: Sequence[GuardedRoute | GuardedSocket], **options: Any) -> None:
        super().__init__(routes=routes, **options)
        self._straight: dict[tuple[str, str], ASGIApp] = {}
        self._variable: dict[tuple[str, str], list[GuardedRoute | GuardedSocket]] = {}
        """Routes with a variable part, by method and the beginning of their path."""
        for route in routes:
            for method in route.methods or ():
                if "{" in route.path:
                    self._variable.setdefault((method, _beginning(route.path)), []).append(route)
                else:
                    self._straight.setdefault((method, route.path), route.app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            method, path = scope["method"], scope["path"]
            straight = self._straight.get((method, path)) or self._found(method, path, scope)
            if straight is not None:
                await straight(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _found(self, method: str, path: str, scope: Scope) -> ASGIApp | None:
        for route in self._variable.get((method, _beginning(path)), ()):
            # As ``route.matches`` does, for a third of its time: every variable part of ours is a text.
            found = route.path_regex.match(path)
            if found is not None:
                scope["path_params"] = found.groupdict()
                return route.app
        return None


def _beginning(path: str) -> str:
    """A path up to its third slash: ``/v1/reservations``."""
    return "/".join(path.split("/", 3)[:3])


def build_app(running: Running, *, origins: frozenset[str] = frozenset()) -> Starlette:
    """The application on open services; it belongs to the event loop that serves it.

    Pages of ``origins`` may open WebSockets, beside our own.
    """
    services, metrics = running.services, running.metrics

    async def look_up(hashed: str) -> Principal | None:
        # Past the limit of readers: whoever asks must be known before it may wait for anything.
        found = await run_in_threadpool(services.keys.find, hashed)
        return None if found is None else found.principal

    def context_of(principal: Principal) -> Context:
        return Context(services, principal)

    gate, schema = Gate(look_up), build_schema()
    routes = Routes(gate, metrics, running.spans)
    probe = Probe(running.database.verify)
    return Application(
        routes=[
            *usage_routes(routes, metrics, services.ledger),
            *reservation_routes(routes, metrics, services.reserving, context_of),
            *health_routes(routes, metrics, probe, running.workers, running.gauge),
            *budget_routes(routes, context_of),
            *quota_routes(routes, context_of),
            *balance_routes(routes, context_of),
            *pricing_routes(routes, context_of),
            *team_routes(routes, context_of),
            *export_routes(routes, context_of),
            *anomaly_routes(routes, context_of),
            *graphql_routes(routes, metrics, schema, context_of),
            socket_route(Sockets(gate, metrics, schema, context_of, origins)),
            *page_routes(routes),
        ],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers={HTTPException: _no_such_route, Exception: _unforeseen},
    )


async def _no_such_route(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the form of every other problem."""
    if not isinstance(error, HTTPException):
        raise error
    details = {
        404: f"There is no {request.url.path}. The API is /v1 and /graphql.",
        405: f"{request.url.path} does not take {request.method}.",
    }
    code = "NOT_FOUND" if error.status_code == 404 else "INVALID"  # noqa: PLR2004
    response = Problem(error.status_code, code, details.get(error.status_code, error.detail)).response()
    response.headers.update(error.headers or {})
    return response


async def _unforeseen(_: Request, error: Exception) -> Response:
    return problem_of(error).response()
