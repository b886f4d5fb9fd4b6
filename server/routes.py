"""How a route is declared: what it takes, and what a caller needs to be let in.

Every route of the application is a ``GuardedRoute``. One that needs nothing says ``needs=None``;
a test names those and knows of no other.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Protocol

from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.access import Permission, Principal
from server.auth import Gate
from server.errors import Problem, problem_of
from server.headers import Answer, completed, header
from server.metrics import Metrics

OpenHandler = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, Principal], Awaitable[Response]]
Failing = Callable[[Problem], Response]


class RequestSpans(Protocol):
    """Traces requests; what the context yields is told the status of the answer."""

    def request(
        self, method: str, route: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Around one request."""
        ...


class Endpoint:
    """What is behind a route, as an ASGI application: measured, and with its errors turned into answers."""

    def __init__(
        self, path: str, handler: OpenHandler, answer: Failing, metrics: Metrics, spans: RequestSpans | None
    ) -> None:
        self._path = path
        self._handler = handler
        self._answer = answer
        self._metrics = metrics
        self._spans = spans
        self._timed: dict[tuple[str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._spans is None:
            await self._respond(scope, receive, send)
            return
        with self._spans.request(scope["method"], self._path, scope["headers"]) as ended:
            ended(await self._respond(scope, receive, send))

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> int:
        started = perf_counter()
        try:
            response = await self._handler(Request(scope, receive))
        except Exception as error:  # noqa: BLE001 - the one edge: everything becomes an answer
            problem = problem_of(error)
            self._metrics.refusals.labels(problem.code).inc()
            response = self._answer(problem)
        self._measure(scope["method"], response.status_code, perf_counter() - started)
        if not isinstance(response, Answer):
            response.raw_headers = completed(response.raw_headers)
        await response(scope, receive, send)
        return response.status_code

    def _measure(self, method: str, status: int, seconds: float) -> None:
        timed = self._timed.get((method, status))
        if timed is None:
            timed = self._metrics.requests.labels(method, self._path, str(status))
            self._timed[method, status] = timed
        timed.observe(seconds)


class GuardedRoute(Route):
    """A route with the permission that it needs; ``needs`` is None where anybody may come in."""

    def __init__(self, method: str, path: str, endpoint: Endpoint, needs: Permission | None) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.needs = needs


class GuardedSocket(WebSocketRoute):
    """A WebSocket with the permission that it needs before it tells anything."""

    methods: frozenset[str] = frozenset()

    def __init__(self, path: str, endpoint: ASGIApp, needs: Permission) -> None:
        super().__init__(path, endpoint)
        self.needs = needs


class Routes:
    """Makes routes, each with what its caller needs."""

    def __init__(self, gate: Gate, metrics: Metrics, spans: RequestSpans | None = None) -> None:
        self._gate = gate
        self._metrics = metrics
        self._spans = spans

    def open(self, method: str, path: str, handler: OpenHandler) -> GuardedRoute:
        """A route that anybody may call."""
        return GuardedRoute(method, path, self._endpoint(path, handler, Problem.response), None)

    def guarded(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        needs: Permission,
        answer: Failing = Problem.response,
    ) -> GuardedRoute:
        """A route for keys whose role grants ``needs``; ``answer`` gives a failure its form."""

        async def admitted(request: Request) -> Response:
            return await handler(request, await self.admitted(request, needs))

        return GuardedRoute(method, path, self._endpoint(path, admitted, answer), needs)

    def _endpoint(self, path: str, handler: OpenHandler, answer: Failing) -> Endpoint:
        return Endpoint(path, handler, answer, self._metrics, self._spans)

    async def admitted(self, request: Request, needs: Permission) -> Principal:
        """Who sends a request. Raises ``Unauthenticated``, ``Forbidden``.

        What streams for long asks again on its way: a revoked key's stream ends.
        """
        principal = await self._gate.principal(header(request.scope, b"authorization"))
        principal.require(needs)
        return principal
