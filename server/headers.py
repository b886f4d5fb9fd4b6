"""Headers of every answer."""

from collections.abc import Iterable
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.protocol import answered

RawHeaders = list[tuple[bytes, bytes]]

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def header(scope: Scope, name: bytes) -> str:
    """The first header of a request with that name, in lower case; empty where there is none.

    Starlette's ``Headers`` do this for three times the time, which a small request pays three times.
    """
    for given, value in scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return ""


def completed(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """With what keeps browsers and caches from guessing; what an answer says itself stands."""
    all_of_them = list(headers)
    given = {name for name, _ in all_of_them}
    return all_of_them + [each for each in HEADERS if each[0] not in given]


class Answer(Response):
    """An answer whose body is there, with all that it needs: most answers are, and it is quickly made."""

    def __init__(self, body: bytes, status: int = 200, media_type: bytes = b"application/json") -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media_type), *HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if not answered(send, self.status_code, self.raw_headers, self.body):
            await super().__call__(scope, receive, send)


class SafeHeaders:
    """Completes the answers that no route gives: an unknown path, a method that is not taken."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message["headers"])
            await send(message)

        await self._app(scope, receive, with_headers)
