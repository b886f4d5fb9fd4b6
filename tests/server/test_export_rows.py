"""What an export holds, however long it takes and whatever happens meanwhile; on both engines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.types import Message, Scope

from graph.database import Database
from graph.engines import Connection
from graph.usage import UsageQuery
from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.access import Principal
from ledger.model import uid_of
from resolvers import Context, Services
from server.auth import REMEMBERED_SECONDS, Gate
from server.errors import Unauthenticated
from server.exports import usage as usage_export
from server.exports.rollups import rollup_rows
from server.exports.tables import Row
from server.exports.usage import usage_rows
from server.metrics import Metrics
from server.rest.exports import export_routes
from server.routes import Routes
from tests.support.counting import CountingDatabase
from tests.support.services import RECORD, Caller, admin_of, budget, open_services, record, usage

ADJUST = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { operationId } }"
TOTAL = """
{ budget(budgetId: "acme") { rollup { total { operations promptTokens completionTokens totalCost } } } }
"""
COUNT = 1_200
"""More than two pages."""


@pytest.fixture
def services(database: Database) -> Iterator[Services]:
    with open_services(database) as opened:
        yield opened


@pytest.fixture
def admin(services: Services, tenant: str) -> Caller:
    return admin_of(services, tenant)


def at(second: int) -> str:
    return f"2026-03-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def record_many(caller: Caller, count: int = COUNT) -> None:
    for begin in range(0, count, 600):
        numbers = range(begin, min(begin + 600, count))
        record(caller, *(usage(f"op-{each}", timestamp=at(each), budgetId="acme") for each in numbers))


async def exported(
    caller: Caller, between: Callable[[int], Awaitable[None]] | None = None, **wanted: Any
) -> list[list[Row]]:
    """The pages; ``between`` runs after each."""
    context = Context(caller.services, caller.principal)
    pages: list[list[Row]] = []
    async for page in usage_rows(context, UsageQuery(caller.principal.tenant, **wanted)):
        pages.append(page)
        if between is not None:
            await between(len(pages))
    return pages


def test_what_comes_meanwhile_is_left_out(admin: Caller) -> None:
    """Late usage and refunds behind the cursor do not get in."""
    budget(admin, "acme")
    record_many(admin)
    record(admin, usage("waiting", timestamp=at(2), budgetId="acme", modelId="nobody-knows", provider="x"))

    async def between(page: int) -> None:
        if page > 1:
            return
        late = [usage("late", timestamp=at(1), budgetId="acme")]
        refund = {"idempotencyKey": "r", "operationId": "op-0", "kind": "REFUND", "change": "-0.001"}
        for answer in (await admin.asked(RECORD, inputs=late), await admin.asked(ADJUST, input=refund)):
            assert not answer.errors

    pages = asyncio.run(exported(admin, between))
    assert [len(page) for page in pages] == [500, 500, COUNT + 1 - 1_000]
    rows = [row for page in pages for row in page]
    assert {row["operation_id"] for row in rows} == {f"op-{each}" for each in range(COUNT)} | {"waiting"}
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    assert sum(row["total_cost"] for row in rows if row["kind"] == "usage") == COUNT * 3_500_000
    after = [row for page in asyncio.run(exported(admin)) for row in page]
    assert "late" in {row["operation_id"] for row in after}


def test_pages_are_never_longer_than_they_may_be(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_export, "PAGE", 7)
    budget(admin, "acme")
    record_many(admin, 50)
    pages = asyncio.run(exported(admin))
    assert max(map(len, pages)) == 7
    assert len({row["seq"] for page in pages for row in page}) == 50


def test_the_rows_are_the_stream_and_add_up_to_the_rollup(admin: Caller) -> None:
    budget(admin, "acme")
    unknown = {"modelId": "nobody-knows", "provider": "x"}
    record(
        admin,
        usage("a", budgetId="acme", tags={"team": "=1+1"}),
        usage("b", budgetId="acme", **unknown),
        usage("c", budgetId="acme", outcome="ERROR", modelId=None, promptTokens=0, completionTokens=0),
    )
    refund = {"idempotencyKey": "r", "operationId": "a", "kind": "REFUND", "change": "-0.001"}
    admin.get(ADJUST, input=refund)
    rows = [row for page in asyncio.run(exported(admin)) for row in page]
    assert sorted(row["kind"] for row in rows if row["operation_id"] == "a") == ["adjustment", "usage"]
    (waiting,) = [row for row in rows if row["operation_id"] == "b"]
    assert (waiting["kind"], waiting["total_cost"], waiting["operations"]) == ("unpriced", None, 1)
    total = admin.get(TOTAL)["budget"]["rollup"]["total"]
    assert total == {
        "operations": sum(row["operations"] for row in rows),
        "promptTokens": sum(row["prompt_tokens"] for row in rows),
        "completionTokens": sum(row["completion_tokens"] for row in rows),
        "totalCost": "0.0025",
    }
    assert sum(row["total_cost"] or 0 for row in rows) == 2_500_000


@pytest.mark.parametrize("granularity", list(Granularity))
def test_rollups_in_pieces_are_those_of_one_question(admin: Caller, granularity: Granularity) -> None:
    budget(admin, "acme", timezone="America/New_York")
    stamps = ("2024-12-31T23:30:00Z", "2025-03-09T06:59:59Z", "2025-03-09T07:00:00Z", "2026-01-01T05:00:00Z")
    record(admin, *(usage(f"op-{at}", timestamp=at, budgetId="acme") for at in stamps))
    asked = f"by: [MODEL], granularity: {granularity}"
    whole = admin.get(
        f'{{ budget(budgetId: "acme") {{ rollup({asked}) '
        "{ rows { start keys { value } measures { totalCost operations } } } } }"
    )["budget"]["rollup"]["rows"]

    async def pieces() -> list[Row]:
        tenant = admin.principal.tenant
        query = RollupQuery(uid_of(tenant, "acme"), by=(Dimension.MODEL,), granularity=granularity)
        context = Context(admin.services, admin.principal)
        return [row async for page in rollup_rows(context, query) for row in page]

    rows = asyncio.run(pieces())
    assert len(rows) == len(whole)
    assert [row["operations"] for row in rows] == [each["measures"]["operations"] for each in whole]
    assert [row["model"] for row in rows] == [each["keys"][0]["value"] for each in whole]


class Listener:
    """A client at the other end of the ASGI application: goes away after some pieces."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.got = b""
        self.complete = False
        self.began = asyncio.Event()
        self._gone = asyncio.Event()

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.got += message["body"]
            self.began.set()
            self.complete = not message.get("more_body", False)
            self.left -= 1
            if not self.left:
                self._gone.set()
            await asyncio.sleep(0)


def scope(path: str) -> Scope:
    headers = [(b"authorization", b"Bearer a-key")]
    return {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}


class Revocable:
    """The key's look-up, and the time that the gate tells by."""

    def __init__(self, principal: Principal) -> None:
        self.principal: Principal | None = principal
        self.now = 0.0

    async def find(self, _hashed: str) -> Principal | None:
        return self.principal


@pytest.fixture
def watched(engine: Connection, admin: Caller) -> Iterator[tuple[CountingDatabase, Services]]:
    budget(admin, "acme")
    record_many(admin)
    with CountingDatabase(engine) as counted, open_services(counted) as opened:
        yield counted, opened


async def stream(services: Services, key: Revocable, listener: Listener) -> None:
    routes = Routes(Gate(key.find, clock=lambda: key.now), Metrics())
    usage_route, _ = export_routes(routes, lambda principal: Context(services, principal))
    await usage_route.app(scope("/v1/exports/usage"), listener.receive, listener.send)


def test_a_client_that_goes_away_ends_the_work(
    watched: tuple[CountingDatabase, Services], admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_export, "PAGE", 10)
    database, services = watched
    key = Revocable(admin.principal)
    listener = Listener(3)
    asyncio.run(stream(services, key, listener))
    assert not listener.complete
    pages = database.asked.count("usage/usages")
    assert 3 <= pages < 10, "of 120 pages"
    patient = Listener(1_000)
    asyncio.run(stream(services, key, patient))
    assert patient.complete
    assert patient.got.count(b"\r\n") == COUNT + 1


def test_a_revoked_key_ends_its_exports(
    watched: tuple[CountingDatabase, Services], admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_export, "PAGE", 10)
    key, (_, services) = Revocable(admin.principal), watched
    listener = Listener(1_000)

    async def revoked() -> None:
        streaming = asyncio.create_task(stream(services, key, listener))
        await listener.began.wait()
        key.principal, key.now = None, REMEMBERED_SECONDS + 1
        await streaming

    with pytest.raises(Unauthenticated):
        asyncio.run(revoked())
    assert not listener.complete
