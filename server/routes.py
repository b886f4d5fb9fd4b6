"""How a route is declared: what it takes, and what a caller needs to be let in.

Every route of the application is a ``GuardedRoute``. One that needs nothing says ``needs=None``;
a test names those and knows of no other.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.access import Permission, Principal
from server.auth import Gate
from server.errors import Problem, problem_of
from server.metrics import Metrics

OpenHandler = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, Principal], Awaitable[Response]]
Answer = Callable[[Problem], Response]


class GuardedRoute(Route):
    """A route with the permission that it needs; ``needs`` is None where anybody may come in."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        needs: Permission | None,
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.needs = needs


class Routes:
    """Makes routes: each authenticated, measured, and with its errors turned into answers."""

    def __init__(self, gate: Gate, metrics: Metrics) -> None:
        self._gate = gate
        self._metrics = metrics

    def open(self, method: str, path: str, handler: OpenHandler) -> GuardedRoute:
        """A route that anybody may call."""
        return GuardedRoute(method, path, self._measured(path, handler, Problem.response), None)

    def guarded(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        needs: Permission,
        answer: Answer = Problem.response,
    ) -> GuardedRoute:
        """A route for keys whose role grants ``needs``; ``answer`` gives a failure its form."""

        async def admitted(request: Request) -> Response:
            principal = await self._gate.principal(request.headers)
            principal.require(needs)
            return await handler(request, principal)

        return GuardedRoute(method, path, self._measured(path, admitted, answer), needs)

    def _measured(self, path: str, handler: OpenHandler, answer: Answer) -> OpenHandler:
        async def endpoint(request: Request) -> Response:
            started = perf_counter()
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - the one edge: everything becomes an answer
                problem = problem_of(error)
                self._metrics.refusals.labels(problem.code).inc()
                response = answer(problem)
            elapsed = perf_counter() - started
            self._metrics.requests.labels(request.method, path, str(response.status_code)).observe(elapsed)
            return response

        return endpoint
