"""Keys at the door: found by their hash, remembered for seconds, forgotten when they are revoked."""

import asyncio

import pytest

from graph.keys import hash_of
from ledger.access import Principal, Role
from server.auth import REMEMBERED_KEYS_MAX, REMEMBERED_SECONDS, Gate, bearer_key
from server.errors import Unauthenticated

REVOKED_WITHIN_SECONDS = 5.0
PRINCIPAL = Principal("k1", "default", Role.VIEWER)


class Keys:
    """A look-up that counts, over a table that a test changes."""

    def __init__(self, **known: Principal) -> None:
        self.known = {hash_of(key): principal for key, principal in known.items()}
        self.asked = 0
        self.now = 0.0

    async def look_up(self, hashed: str) -> Principal | None:
        self.asked += 1
        await asyncio.sleep(0)
        return self.known.get(hashed)

    def gate(self) -> Gate:
        return Gate(self.look_up, clock=lambda: self.now)


def bearing(key: str) -> str:
    return f"Bearer {key}"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer  ", "Basic a2V5", "key", f"Bearer {'x' * 10_000}"]
)
def test_a_header_without_a_key_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_key(authorization)


def test_a_known_key_is_its_principal() -> None:
    async def run() -> None:
        assert await Keys(key=PRINCIPAL).gate().principal(bearing("key")) is PRINCIPAL

    asyncio.run(run())


def test_an_unknown_key_is_refused_and_remembered_too() -> None:
    async def run() -> None:
        keys = Keys()
        gate = keys.gate()
        for _ in range(3):
            with pytest.raises(Unauthenticated):
                await gate.principal(bearing("nobody's"))
        assert keys.asked == 1

    asyncio.run(run())


def test_many_requests_share_one_look_up() -> None:
    async def run() -> None:
        keys = Keys(key=PRINCIPAL)
        gate = keys.gate()
        await asyncio.gather(*(gate.principal(bearing("key")) for _ in range(50)))
        assert keys.asked == 1

    asyncio.run(run())


def test_a_revoked_key_is_refused_within_five_seconds() -> None:
    async def run() -> None:
        keys = Keys(key=PRINCIPAL)
        gate = keys.gate()
        await gate.principal(bearing("key"))
        keys.known.clear()
        keys.now = REMEMBERED_SECONDS
        with pytest.raises(Unauthenticated):
            await gate.principal(bearing("key"))

    asyncio.run(run())
    assert REMEMBERED_SECONDS < REVOKED_WITHIN_SECONDS - 1


def test_a_failed_look_up_is_tried_again_by_the_next_request() -> None:
    async def run() -> None:
        failing = True

        async def look_up(_: str) -> Principal:
            if failing:
                raise ConnectionError
            return PRINCIPAL

        gate = Gate(look_up)
        with pytest.raises(ConnectionError):
            await gate.principal(bearing("key"))
        failing = False
        assert await gate.principal(bearing("key")) is PRINCIPAL

    asyncio.run(run())


def test_a_cancelled_request_leaves_the_look_up_to_the_others() -> None:
    async def run() -> None:
        gate = Keys(key=PRINCIPAL).gate()
        first = asyncio.ensure_future(gate.principal(bearing("key")))
        second = asyncio.ensure_future(gate.principal(bearing("key")))
        await asyncio.sleep(0)
        first.cancel()
        assert await second is PRINCIPAL

    asyncio.run(run())


def test_guessing_keys_does_not_fill_the_memory() -> None:
    async def run() -> None:
        gate = Keys().gate()
        for guess in range(REMEMBERED_KEYS_MAX + 100):
            with pytest.raises(Unauthenticated):
                await gate.principal(bearing(f"guess-{guess}"))
        assert len(gate._remembered) == REMEMBERED_KEYS_MAX  # noqa: SLF001

    asyncio.run(run())
