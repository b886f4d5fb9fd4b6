"""Headers of every answer."""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def completed(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """With what keeps browsers and caches from guessing; what an answer says itself stands."""
    all_of_them = list(headers)
    given = {name for name, _ in all_of_them}
    return all_of_them + [each for each in HEADERS if each[0] not in given]


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
