"""What a route takes from a request, and how it answers what it does not take."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from graph.errors import CommitUncertain, TransactionConflict
from ledger.access import Permission, Principal, Role
from ledger.errors import Conflict, CycleRefused, Forbidden, NotFound, Overloaded
from pricing.errors import AmountOutOfRange
from server import limits
from server.auth import Gate
from server.headers import SafeHeaders
from server.limits import BODY_BYTES_MAX, read_json
from server.metrics import Metrics
from server.routes import Routes

JSON = {"content-type": "application/json"}


class Door:
    """An application with one guarded route that echoes JSON, or raises."""

    def __init__(self, role: Role = Role.ADMIN, error: Exception | None = None) -> None:
        self.metrics = Metrics()

        async def look_up(_: str) -> Principal:
            return Principal("k", "default", role)

        async def echo(request: Request, _: Principal) -> Response:
            body = await read_json(request)
            if error is not None:
                raise error
            return Response(orjson.dumps(body), media_type="application/json")

        routes = Routes(Gate(look_up), self.metrics)
        self.app = Starlette(
            routes=[routes.guarded("POST", "/echo", echo, needs=Permission.RECORD)],
            middleware=[Middleware(SafeHeaders)],
        )

    def post(self, content: Any, headers: dict[str, str] = JSON, *, key: bool = True) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            authorized = {"authorization": "Bearer key", **headers} if key else headers
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.post("/echo", content=content, headers=authorized)

        return asyncio.run(send())


def test_json_is_taken_with_parameters_of_its_media_type() -> None:
    answer = Door().post(b'{"a": [1, null]}', {"content-type": "Application/JSON; charset=utf-8"})
    assert (answer.status_code, answer.json()) == (200, {"a": [1, None]})


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_what_a_form_of_another_site_can_send_is_refused(media_type: str) -> None:
    answer = Door().post(b"{}", {"content-type": media_type})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"NaN", b'"\xff"', b"[" * 10_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    answer = Door().post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID")


def test_a_body_past_the_limit_is_refused_by_its_declared_length() -> None:
    answer = Door().post(b"x" * (BODY_BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "INVALID")


def test_a_body_past_the_limit_is_refused_while_it_is_read() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 4 * BODY_BYTES_MAX:
            sent += 2**16
            yield b" " * 2**16

    answer = Door().post(endless(), JSON)
    assert answer.status_code == 413


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS_MAX", 0.01)
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}

    async def never() -> Any:
        await asyncio.Event().wait()

    async def run() -> None:
        with pytest.raises(limits.TooSlow):
            await read_json(Request(scope, never))

    asyncio.run(run())


def test_without_a_key_nothing_is_read() -> None:
    answer = Door().post(b"not even json", {"content-type": "text/plain"}, key=False)
    assert answer.status_code == 401
    assert answer.json()["code"] == "UNAUTHENTICATED"
    assert answer.headers["www-authenticate"] == 'Bearer realm="costgraph"'


def test_a_role_without_the_permission_is_refused() -> None:
    answer = Door(Role.VIEWER).post(b"{}")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "record" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no such budget"), 404, "NOT_FOUND"),
        (Conflict("taken"), 409, "CONFLICT"),
        (CycleRefused("below itself"), 409, "CYCLE"),
        (Forbidden("no"), 403, "FORBIDDEN"),
        (AmountOutOfRange("too much", "amount"), 422, "AMOUNT_OUT_OF_RANGE"),
        (Overloaded("full", retry_after_seconds=3), 503, "UNAVAILABLE"),
        (TransactionConflict("deadlock at line 3"), 503, "UNAVAILABLE"),
        (CommitUncertain("broke off"), 503, "UNAVAILABLE"),
    ],
)
def test_errors_of_every_room_have_one_form(error: Exception, status: int, code: str) -> None:
    door = Door(error=error)
    answer = door.post(b"{}")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"]
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "line 3" not in answer.text
    assert f'costgraph_refusals_total{{code="{code}"}} 1.0' in bytes(door.metrics.response().body).decode()


def test_an_unforeseen_error_is_masked_under_a_reference() -> None:
    answer = Door(error=ZeroDivisionError("password=hunter2")).post(b"{}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "INTERNAL")
    assert body["reference"] in body["detail"]
    assert "hunter2" not in answer.text


def test_every_answer_keeps_browsers_and_caches_from_guessing() -> None:
    for answer in (Door().post(b"{}"), Door().post(b"", key=False)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers


def test_durations_are_counted_by_route_and_status() -> None:
    door = Door()
    door.post(b"{}")
    text = bytes(door.metrics.response().body).decode()
    assert 'costgraph_request_seconds_count{method="POST",route="/echo",status="200"} 1.0' in text
