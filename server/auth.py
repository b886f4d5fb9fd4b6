"""Who calls: Bearer keys, looked up by their SHA-256, remembered for a few seconds."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graph.keys import hash_of
from ledger.access import Principal
from server.errors import Unauthenticated

KEY_LENGTH_MAX = 512
REMEMBERED_SECONDS = 3.0
"""A revoked key is refused everywhere after this long and the look-up's own time: within 5 s."""
REMEMBERED_KEYS_MAX = 10_000

KeyLookup = Callable[[str], Awaitable[Principal | None]]
"""The principal behind the SHA-256 (hex) of a key, or None where the key is unknown or revoked."""


def bearer_key(authorization: str) -> str:
    """The key in ``Authorization: Bearer …``. Raises ``Unauthenticated``."""
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("Send your API key in the header Authorization: Bearer KEY.")
    if len(key) > KEY_LENGTH_MAX:
        raise Unauthenticated("This API key is unknown or revoked.")
    return key


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: float
    found: "asyncio.Task[Principal | None]"


class Gate:
    """Finds the principal of a request. One per process; belongs to its event loop.

    Keys are looked up by their SHA-256, so how long an answer takes tells nothing about a stored key.
    A key's look-up is shared by all requests that wait for it, and its answer (also "unknown")
    holds for ``REMEMBERED_SECONDS`` from the moment it was begun.
    """

    def __init__(self, lookup: KeyLookup, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def principal(self, authorization: str) -> Principal:
        """Who sends that header. Raises ``Unauthenticated``, or what the look-up raises."""
        hashed = hash_of(bearer_key(authorization))
        remembered = self._remembered.get(hashed)
        if remembered is None or remembered.until <= self._clock():
            remembered = self._begin(hashed)
        if remembered.found.done():
            found = remembered.found.result()
        else:
            # A request that goes away must not take the look-up of the others with it.
            found = await asyncio.shield(remembered.found)
        if found is None:
            raise Unauthenticated("This API key is unknown or revoked.")
        return found

    def _begin(self, hashed: str) -> _Remembered:
        task = asyncio.ensure_future(self._look_up(hashed))
        remembered = _Remembered(self._clock() + REMEMBERED_SECONDS, task)
        self._remembered[hashed] = remembered
        self._remembered.move_to_end(hashed)
        while len(self._remembered) > REMEMBERED_KEYS_MAX:
            self._remembered.popitem(last=False)
        return remembered

    async def _look_up(self, hashed: str) -> Principal | None:
        try:
            return await self._lookup(hashed)
        except Exception:
            self._remembered.pop(hashed, None)  # a failure is not an answer
            raise
