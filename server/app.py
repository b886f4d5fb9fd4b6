"""The HTTP application: every route, in one place."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Principal
from server.auth import Gate
from server.errors import Problem, problem_of
from server.headers import SafeHeaders
from server.health import Probe, health_routes
from server.page import page_routes
from server.rest.usage import usage_routes
from server.routes import Routes
from server.services import Running


def build_app(running: Running) -> Starlette:
    """The application on open services; it belongs to the event loop that serves it."""

    async def look_up(hashed: str) -> Principal | None:
        return await run_in_threadpool(running.find_principal, hashed)

    metrics = running.metrics
    routes = Routes(Gate(look_up), metrics)
    probe = Probe(running.database.verify)
    return Starlette(
        routes=[
            *health_routes(routes, metrics, probe, {"committer": running.committer}),
            *usage_routes(routes, running.ledger),
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
