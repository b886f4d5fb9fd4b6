"""HTTP/1.1 and WebSockets as uvicorn speaks them, but for two things.

An answer's head and body go to the kernel in one piece, which is made here where all of it is there at once.

uvicorn writes them one after the other: two system calls, two packets, and a reader that wakes up twice. That
was a tenth of a small request's whole cost.

A WebSocket's close frame queues up behind what a slow reader has not taken, instead of waiting for it to be
taken: who reads again learns why. Whoever does not is cut off.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, cast

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CUT_OFF_SECONDS: Final = 30.0


class _Joined:
    """A transport that writes when an answer is whole, else once per turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pending: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Written before anything else is read."""
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append(data)

    def write_whole(self, data: bytes) -> None:
        """Written at once, behind what was written before."""
        self.flush()
        self._transport.write(data)

    def close(self) -> None:
        """What was written before goes out first."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what waits."""
        if self._pending:
            data, self._pending = b"".join(self._pending), []
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)


class JoiningProtocol(HttpToolsProtocol):
    """One write an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the joining transport in front of the real one."""
        self._joined = _Joined(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._joined))

    def on_response_complete(self) -> None:
        """What is whole goes out: its reader waits, and so does the committer for this thread to let go."""
        self._joined.flush()
        super().on_response_complete()


def arrived(receive: Receive) -> bytes | None:
    """A request's body where all of it is there already, as small ones are; None where somebody must wait.

    Waiting with a time limit takes longer than everything else that is done to read a small body.
    """
    cycle = getattr(receive, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.more_body or cycle.disconnected:
        return None
    return bytes(cycle.body)


def answered(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
    """Send a whole answer; False where its connection needs uvicorn to look: then nothing is sent.

    uvicorn takes an answer in two messages and searches each header for what cannot be one: where nobody else
    wrote the headers, that is a twentieth of a small request.
    """
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or not isinstance(cycle.transport, _Joined):
        return False
    if cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
        return False
    if cycle.scope["method"] == "HEAD" or cycle.access_log:
        return False
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write_whole(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
    cycle.message_event.set()
    cycle.on_response()
    return True


class ClosingWebSocket(WebSocketsSansIOProtocol):
    """Closes whether or not its reader reads."""

    async def send(self, message: Any) -> None:
        """Send what the application says."""
        if message["type"] == "websocket.close":
            self.writable.set()
            self.loop.call_later(CUT_OFF_SECONDS, self.transport.abort)
        await super().send(message)
