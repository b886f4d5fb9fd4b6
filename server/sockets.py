"""``/graphql`` as a WebSocket: who may connect, and how many at once."""

from collections import Counter
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ledger.access import Permission
from resolvers.build import Schema
from server.auth import Gate
from server.conversation import PROTOCOL, Conversation
from server.errors import Problem
from server.graphql import ContextOf
from server.metrics import Metrics
from server.routes import GuardedSocket

CONNECTIONS_MAX: Final = 1_000
"""Of a process."""
CONNECTIONS_OF_HOST_MAX: Final = 200
"""From one address: behind a proxy all come from one, so no less."""


class Sockets:
    """The WebSockets of a process, as an ASGI application."""

    def __init__(
        self, gate: Gate, metrics: Metrics, schema: Schema, context_of: ContextOf, origins: frozenset[str]
    ) -> None:
        """``origins`` are those beside our own whose pages may connect."""
        self._gate = gate
        self._metrics = metrics
        self._schema = schema
        self._context_of = context_of
        self._origins = origins
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until it closes."""
        websocket = WebSocket(scope, receive, send)
        host = websocket.client.host if websocket.client is not None else ""
        if not self._may_come_from(websocket):
            await _deny(websocket, Problem(403, "FORBIDDEN", "Pages of this origin may not connect."))
            return
        if self._open.total() >= CONNECTIONS_MAX or self._open[host] >= CONNECTIONS_OF_HOST_MAX:
            await _deny(websocket, Problem(503, "UNAVAILABLE", "Too many connections are open."))
            return
        self._open[host] += 1
        self._metrics.sockets.inc()
        try:
            await self._converse(websocket)
        finally:
            self._metrics.sockets.dec()
            self._open[host] -= 1
            if not self._open[host]:
                del self._open[host]

    async def _converse(self, websocket: WebSocket) -> None:
        speaks = PROTOCOL in websocket.scope.get("subprotocols", ())
        await websocket.accept(PROTOCOL if speaks else None)
        if speaks:
            await Conversation(websocket, self._gate, self._schema, self._context_of).run()
        else:
            await websocket.close(4406, f"Subprotocol not acceptable: speak {PROTOCOL}")

    def _may_come_from(self, websocket: WebSocket) -> bool:
        """Only browsers say where a page comes from; no other site's may use its visitor's network."""
        origin = websocket.headers.get("origin")
        if origin is None:
            return True
        own = websocket.headers.get("host", "").lower()
        return origin.lower() in self._origins or urlsplit(origin.lower()).netloc == own


def socket_route(sockets: Sockets) -> GuardedSocket:
    """The route. Each subscription then asks for what it needs."""
    return GuardedSocket("/graphql", sockets, Permission.READ)


async def _deny(websocket: WebSocket, problem: Problem) -> None:
    await websocket.send_denial_response(problem.response())
