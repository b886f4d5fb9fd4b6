"""How much a request may bring, enforced while it is read."""

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from server.errors import BadRequest, TooLarge, TooSlow, WrongMediaType
from server.headers import header
from server.protocol import arrived

BODY_BYTES_MAX = 8 * 2**20
BODY_SECONDS_MAX = 30.0
ROWS_MAX = 1_000


async def read_json(request: Request) -> Any:
    """The JSON value of a request's body. Raises ``ApiError`` for anything else.

    Only ``application/json`` is taken: it is what keeps forms of other sites out, as browsers ask
    first (CORS) before they send it, and we never say yes.
    """
    media_type = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    if media_type != "application/json":
        shown = media_type or "none"
        raise WrongMediaType(f"Send JSON with the header Content-Type: application/json (this one: {shown}).")
    body = await _read(request)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None


async def _read(request: Request) -> bytes:
    declared = header(request.scope, b"content-length")
    if declared.isdigit() and int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    if (there := arrived(request.receive)) is not None:
        return there
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for chunk in request.stream():
                size += len(chunk)
                if size > BODY_BYTES_MAX:
                    raise _too_large()
                chunks.append(chunk)
    except TimeoutError:
        raise TooSlow(f"The body did not arrive within {BODY_SECONDS_MAX:.0f} s. Send it again.") from None
    except ClientDisconnect:
        raise BadRequest("The connection closed before the body was complete.") from None
    return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge(f"A body may have {BODY_BYTES_MAX} bytes. Split it: a batch takes up to {ROWS_MAX} rows.")
