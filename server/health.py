"""``/healthz`` (the process answers), ``/readyz`` (it can do its work), ``/metrics``."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from graph.errors import GraphError
from server.headers import Answer
from server.metrics import Metrics
from server.routes import GuardedRoute, Routes

PROBE_SECONDS_MAX = 2.0
PROBE_HOLDS_SECONDS = 0.5


class Alive(Protocol):
    """A background worker."""

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        ...


class Probe:
    """Whether the engine answers; asked at most twice a second, however often ``/readyz`` is."""

    def __init__(self, reach: Callable[[], None]) -> None:
        self._reach = reach
        self._asked_at = float("-inf")
        self._answer: asyncio.Task[bool] | None = None

    async def ok(self) -> bool:
        """Whether it answered within ``PROBE_SECONDS_MAX``."""
        expired = time.monotonic() - self._asked_at > PROBE_HOLDS_SECONDS
        if self._answer is None or (self._answer.done() and expired):
            self._asked_at = time.monotonic()
            self._answer = asyncio.ensure_future(self._ask())
        try:
            return await asyncio.wait_for(asyncio.shield(self._answer), PROBE_SECONDS_MAX)
        except TimeoutError:
            return False

    async def _ask(self) -> bool:
        try:
            await run_in_threadpool(self._reach)
        except GraphError:
            return False
        return True


def health_routes(
    routes: Routes, metrics: Metrics, probe: Probe, workers: Mapping[str, Alive], gauge: Callable[[], None]
) -> Sequence[GuardedRoute]:
    """The three routes; ``gauge`` reads what the metrics show of the graph.

    A process that serves at all has migrated and warmed up before.
    """

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok"})

    async def readyz(_: Request) -> Response:
        checks = {"engine": await probe.ok(), **{name: worker.alive for name, worker in workers.items()}}
        ready = all(checks.values())
        return _json({"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503)

    async def shown(_: Request) -> Response:
        if await probe.ok():
            await run_in_threadpool(gauge)
        return metrics.response()

    return [
        routes.open("GET", "/healthz", healthz),
        routes.open("GET", "/readyz", readyz),
        routes.open("GET", "/metrics", shown),
    ]


def _json(body: object, status: int = 200) -> Response:
    return Answer(orjson.dumps(body), status)
