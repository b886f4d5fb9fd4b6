"""Archiving through GraphQL, on both engines: what is added up stays, what is listed goes, and says so."""

import gzip
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph.database import Database
from ledger.access import Role
from ledger.archive import ArchiveUsage
from ledger.commands import Command
from ledger.committer import Committer
from pricing.calendar import DAY_US
from tests.resolvers.test_agreement import BIG, CLOSE, COSTS, CREATE
from tests.resolvers.test_price import put
from tests.support.archiving import (
    CHECK,
    SESSION,
    SHARES,
    USAGE,
    World,
    figures,
    make_history,
    open_world,
)
from tests.support.reserving import held, settle
from tests.support.services import Caller, record, usage

OPERATION = (
    "query($id: ID!) { operation(operationId: $id) { archived tags region costEntries { totalCost } } }"
)
ARCHIVES = """
{ archives { nodes { archiveId file sha256 rows operations state } pageInfo { hasNextPage } } archiveOrphans }
"""
ROW = "query($id: ID!) { archivedOperation(operationId: $id) { archive { file } content } }"
UPDATE = """
mutation($input: UpdateBudgetInput!) {
  updateBudget(input: $input) { status { limits { meter window resource spent } } }
}
"""
ADJUST = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"
REPRICE = """
mutation($input: RepriceInput!) { reprice(input: $input) { looked archivedUntil differences { change } } }
"""
COMPARE = "query($input: CompareModelsInput!) { compareModels(input: $input) { looked archivedUntil } }"
DELEGATION = f"""
query($id: ID, $from: DateTime) {{ delegation(agentId: $id, from: $from) {{ {SHARES} archivedUntil }} }}
"""
RUN = "mutation { archiveUsage(input: {olderThanDays: 35, dryRun: false}) { looked } }"
WEBHOOK = (
    'mutation { createWebhookEndpoint(input: {url: "https://example.com/"}) { endpoint { endpointId } } }'
)
OPERATIONS = 61


@pytest.fixture
def bare(database: Database, tenant: str, tmp_path: Path) -> Generator[World]:
    with open_world(database, tenant, tmp_path / "archive") as opened:
        yield opened


@pytest.fixture
def world(bare: World) -> World:
    make_history(bare)
    bare.fold()
    return bare


def kept(page: Any) -> dict[str, int]:
    return {each["reason"]: each["operations"] for each in page["kept"]}


def test_every_sum_is_what_it_was_also_after_the_rollups_are_built_anew(world: World) -> None:
    before = figures(world.admin)
    assert before == figures(world.twin)
    assert world.archive_all() == OPERATIONS
    assert world.listed(world.admin) == []
    assert figures(world.admin) == before
    assert world.findings() == []
    world.rebuild()
    assert figures(world.admin) == before
    assert world.findings() == []


def test_the_checks_look_at_what_is_archived_too(world: World, database: Database) -> None:
    world.archive_all()
    with database.transaction() as transaction:
        transaction.run_text(
            "MATCH (u:TokenUsage {uid: $uid})-[:INCURRED]->(e:CostEntry) DETACH DELETE e",
            {"uid": f"{world.admin.principal.tenant}/op7"},
        )
        transaction.run_text(
            "MATCH (:TokenUsage {uid: $uid})-[d:DELEGATED]->(:TokenUsage) DELETE d",
            {"uid": f"{world.admin.principal.tenant}/op8"},
        )
    found = [getattr(each, "invariant", None) or each["invariant"] for each in world.findings()]
    assert {"usage_entry op7", "delegation op9"} <= set(found)
    assert any(each.startswith("window_spent") for each in found)
    assert any(each.startswith("rollup 2026-06") for each in found)
    assert any(each.startswith("cells 2026-06") for each in found)


def test_what_is_archived_in_parts_adds_up_at_every_step(world: World) -> None:
    before = figures(world.admin)
    page = world.archive(first=25)
    assert (page["operations"], page["pageInfo"]["hasNextPage"]) == (25, True)
    assert len(world.listed(world.admin)) == OPERATIONS - 25
    assert figures(world.admin) == before
    assert world.findings() == []
    assert world.archive_all(first=7) == OPERATIONS - 25
    assert figures(world.admin) == before
    assert world.archive_all() == 0


def test_a_dry_run_says_what_would_be_and_changes_nothing(world: World) -> None:
    page = world.archive(dry_run=True)
    assert (page["operations"], page["archive"], page["dryRun"]) == (OPERATIONS, None, True)
    assert len(world.listed(world.admin)) == OPERATIONS
    assert not world.folder.exists()
    assert world.admin.get(USAGE)["usage"]["archivedUntil"] is None


def test_an_operation_is_charged_once_for_ever(world: World) -> None:
    old = usage("op0", budgetId="ops", agentId="agent0")
    before = [record(caller, old) for caller in world.both]
    world.archive_all()
    assert record(world.admin, old) == record(world.twin, old) == before[0]
    assert before[0][0]["__typename"] == "OperationConflict"
    for caller in world.both:
        record(caller, usage("again", budgetId="ops", timestamp="2026-06-02T00:00:00Z"))
    world.fold()
    world.archive_all()
    repeated = usage("again", budgetId="ops", timestamp="2026-06-02T00:00:00Z")
    answers = [record(caller, repeated) for caller in world.both]
    assert answers[0] == answers[1]
    assert answers[0][0]["duplicate"] is True
    assert figures(world.admin) == figures(world.twin)


def test_an_archived_operation_still_grows_and_is_adjusted(bare: World) -> None:
    for caller in bare.both:
        make = held(caller, "hold", None, amount="0.5", ttlSeconds=60)
        settle(caller, make["reservationId"], usage("op", completionTokens=10), final=False)
    bare.clock.forward(timedelta(days=60))
    bare.fold()
    assert kept(bare.archive()) == {"HELD": 1}
    bare.sweep()
    assert bare.archive_all() == 1
    said = {"idempotencyKey": "r", "operationId": "op", "kind": "REFUND", "change": "-0.0001"}
    grown = [
        settle(caller, _hold_id(caller), usage("op", completionTokens=200), final=True)
        for caller in bare.both
    ]
    assert grown[0]["charged"] == grown[1]["charged"] != "0"
    for caller in bare.both:
        caller.get(ADJUST, input=said)
        caller.get(ADJUST, input=said)
    shown = [caller.get(OPERATION, id="op")["operation"] for caller in bare.both]
    assert shown[0]["archived"] is True
    assert len(shown[0]["costEntries"]) == 3
    assert shown[0]["costEntries"] == shown[1]["costEntries"]
    assert bare.findings() == []
    bare.fold()
    assert bare.findings() == []
    assert bare.listed(bare.admin) == []


def _hold_id(caller: Caller) -> str:
    return held(caller, "hold", None, amount="0.5", ttlSeconds=60)["reservationId"]


def test_limits_that_come_later_begin_with_what_was_archived(world: World) -> None:
    world.archive_all()
    limits = [
        {"meter": "COST", "window": "YEAR", "amount": "900"},
        {"meter": "TOKENS", "window": "LIFETIME", "amount": "9000000"},
        {"meter": "REQUESTS", "window": "YEAR", "amount": "9000", "each": "AGENT"},
        {"meter": "REQUESTS", "window": "LIFETIME", "amount": "9000", "resource": "llm"},
        {"meter": "COST", "window": "LIFETIME", "amount": "9000", "each": "USER"},
    ]
    shown = [
        caller.get(UPDATE, input={"budgetId": "acme", "limits": limits})["updateBudget"]
        for caller in world.both
    ]
    assert shown[0] == shown[1]
    for caller in world.both:
        record(caller, *(usage(f"new{each}", budgetId="web", agentId=f"agent{each}") for each in range(4)))
    world.fold()
    windows = world.windows(world.admin)
    assert windows == world.windows(world.twin)
    assert len(windows) > len(limits) + 4, "agents and users have windows of their own"
    assert figures(world.admin) == figures(world.twin)
    assert world.findings() == []


def test_an_agreement_may_cover_archived_months(world: World) -> None:
    world.archive_all()
    said = {"agreementId": "deal", "budgetId": "acme", "fromMonth": "2026-06"}
    discount = {**BIG, "tiers": [{"above": "0.01", "discountPercent": "10"}]}
    found: list[Any] = []
    for caller in world.both:
        caller.get(CREATE, input={**said, "discounts": [discount]})
        closed = caller.get(CLOSE, id="deal", month="2026-06")["closeMonths"]
        found.append([closed, caller.get(COSTS, id="acme", month="2026-06")])
    assert found[0] == found[1]
    assert found[0][0]["months"][0]["lines"], "the month had something to discount"
    world.fold()
    assert world.findings() == []
    assert kept(world.archive()) == {"STATEMENT": 1}


def test_what_is_needed_raw_stays(bare: World) -> None:
    record(bare.admin, usage("unpriced", modelId="unheard-of"), usage("fine"))
    record(bare.admin, usage("orphan", parentOperationId="nobody-yet"))
    hold = held(bare.admin, "hold", None, amount="0.5", ttlSeconds=86_400)
    settle(bare.admin, hold["reservationId"], usage("held"), final=False)
    bare.clock.now_us -= 1
    assert bare.archive()["looked"] == 0, "it is not old enough"
    # The clock of the archiver alone: nobody releases the hold meanwhile.
    archiver = bare.services.archiver
    horizon_us = archiver.horizon_us(0) + 60 * DAY_US
    tenant = bare.admin.principal.tenant
    step = archiver.step(tenant, horizon_us, "", 100, dry_run=True)
    assert {reason.value: count for reason, count in step.kept.items()} == {
        "UNPRICED": 1,
        "WAITING": 1,
        "HELD": 1,
        "BEHIND": 1,
    }
    bare.fold()
    step = archiver.step(tenant, horizon_us, "", 100)
    assert step.archived == 1
    assert sorted(bare.listed(bare.admin)) == ["held", "orphan", "unpriced"]


def test_what_an_endpoint_has_not_been_told_stays_until_it_is(world: World) -> None:
    record(world.admin, usage("told", timestamp="2026-06-02T00:00:00Z"))
    endpoint_id = world.admin.get(WEBHOOK)["createWebhookEndpoint"]["endpoint"]["endpointId"]
    record(world.admin, usage("untold", timestamp="2026-06-02T00:00:00Z"))
    world.fold()
    assert kept(world.archive()) == {"BEHIND": 1}
    assert world.listed(world.admin) == ["untold"]
    webhooks = world.services.webhooks
    endpoint = webhooks.get(world.admin.principal.tenant, endpoint_id)
    assert endpoint is not None
    webhooks.change(endpoint, {"cursor_seq": endpoint.cursor_seq + 100})
    assert world.archive()["operations"] == 1


def test_events_of_archived_usage_are_told_as_they_were(world: World) -> None:
    tenant = world.admin.principal.tenant
    stream = world.services.relay.stream
    through = stream.head(tenant).seq
    before = stream.read(tenant, 0, through)
    world.archive_all()
    assert stream.head(tenant).seq == through
    assert stream.read(tenant, 0, through) == before


def test_answers_from_raw_usage_say_what_they_may_lack(world: World) -> None:
    world.archive_all()
    horizon = world.archive()["olderThan"]
    assert world.admin.get(USAGE) == {"usage": {"nodes": [], "archivedUntil": horizon}}
    late = {"from": horizon}
    assert world.admin.get(USAGE, filter=late)["usage"]["archivedUntil"] is None
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    put(world.admin, "deal", budgetId="acme")
    page = world.admin.get(REPRICE, input={**span, "dryRun": False})["reprice"]
    assert (page["looked"], page["archivedUntil"], page["differences"]) == (0, horizon, [])
    models = [{"provider": "openai", "modelId": "gpt-4o"}]
    page = world.admin.get(COMPARE, input={**span, "models": models})["compareModels"]
    assert (page["looked"], page["archivedUntil"]) == (0, horizon)
    page = world.admin.get(DELEGATION, id="agent1")["delegation"]
    assert (page["own"]["operations"], page["archivedUntil"]) == (0, horizon)
    assert world.admin.get(DELEGATION, id="agent1", **{"from": horizon})["delegation"] is None
    assert world.listed(world.admin, sessionId="s1") == []
    assert world.admin.get(SESSION, id="s1") == world.twin.get(SESSION, id="s1")


def test_a_file_holds_everything_that_the_graph_knew(world: World) -> None:
    shown = [caller.get(OPERATION, id="op1")["operation"] for caller in world.both]
    assert (shown[0]["archived"], shown[0]["tags"], shown[0]["region"]) == (False, {"run": 1}, "eu")
    page = world.archive()
    assert world.admin.get(ROW, id="op1")["archivedOperation"]["archive"] == {"file": page["archive"]["file"]}
    row = world.admin.get(ROW, id="op1")["archivedOperation"]["content"]
    assert (row["operation_id"], row["agent_id"], row["parent_operation_id"]) == ("op1", "agent1", "op0")
    assert (row["tags"], row["region"], row["session_id"]) == ({"run": 1}, "eu", "s0")
    assert (row["prompt_tokens"], row["completion_tokens"], row["budget_id"]) == (1001, 1, "ops")
    assert [each["total_cost"] for each in row["entries"]] == [shown[0]["costEntries"][0]["totalCost"]]
    now = world.admin.get(OPERATION, id="op1")["operation"]
    assert (now["archived"], now["tags"], now["region"]) == (True, None, None)
    assert now["costEntries"] == shown[0]["costEntries"]
    assert world.admin.get(ROW, id="nobody")["archivedOperation"] is None
    path = world.folder / page["archive"]["file"]
    assert path.stat().st_mode & 0o777 == 0o600
    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert len(lines) == page["archive"]["rows"] == OPERATIONS
    assert len({orjson.loads(line)["operation_id"] for line in lines}) == OPERATIONS


def test_a_damaged_a_missing_and_a_forgotten_file_are_noticed(world: World) -> None:
    for _ in range(3):
        world.archive(first=20)
    found = world.admin.get(ARCHIVES)
    assert [each["state"] for each in found["archives"]["nodes"]] == ["OK"] * 3
    files = [world.folder / each["file"] for each in found["archives"]["nodes"]]
    content = bytearray(files[0].read_bytes())
    content[len(content) // 2] ^= 1
    files[0].write_bytes(content)
    files[1].rename(files[1].with_name("19700101T000000Z-left.jsonl.gz"))
    found = world.admin.get(ARCHIVES)
    assert [each["state"] for each in found["archives"]["nodes"]] == ["DAMAGED", "MISSING", "OK"]
    assert [Path(each).name for each in found["archiveOrphans"]] == ["19700101T000000Z-left.jsonl.gz"]
    damaged = orjson.loads(gzip.decompress(files[2].read_bytes()).splitlines()[0])
    assert world.admin.get(ROW, id=damaged["operation_id"])["archivedOperation"] is not None
    states = {world.admin.ask(ROW, id=f"op{each}").code for each in range(60)}
    assert states == {None, "NOT_FOUND"}


def test_a_file_whose_operations_are_not_all_there_is_incomplete(world: World, database: Database) -> None:
    page = world.archive()
    with database.transaction() as transaction:
        transaction.run_text(
            "MATCH (a:Archive {uid: $uid}) SET a.operations = a.operations + 1",
            {"uid": f"{world.admin.principal.tenant}/{page['archive']['archiveId']}"},
        )
    assert [each["state"] for each in world.admin.get(ARCHIVES)["archives"]["nodes"]] == ["INCOMPLETE"]


class Meddling(Committer):
    """Has something else committed before each batch of archiving."""

    def __init__(self, inner: Committer, before: list[Any]) -> None:
        self._inner = inner
        self._before = before

    @property
    def waiting(self) -> int:
        return 0

    def submit_blocking(self, commands: Sequence[Command], timeout_seconds: float | None = None) -> list[Any]:
        assert isinstance(commands[0], ArchiveUsage)
        for act in self._before:
            act()
        self._before.clear()
        return self._inner.submit_blocking(commands, timeout_seconds)


def test_what_changes_while_its_file_is_written_goes_into_the_next_one(world: World) -> None:
    said = {"idempotencyKey": "r", "operationId": "op1", "kind": "REFUND", "change": "-0.0001"}
    meddling = Meddling(world.committer, [lambda: world.admin.get(ADJUST, input=said)])
    world.services = replace(world.services, archiving=world.archiver(meddling))
    world.admin = Caller(world.services, world.admin.principal)
    page = world.archive()
    assert (page["operations"], kept(page)) == (OPERATIONS - 1, {"CHANGED": 1})
    assert (page["archive"]["rows"], page["archive"]["state"]) == (OPERATIONS, "OK")
    assert world.listed(world.admin) == ["op1"]
    world.fold()
    assert world.archive()["operations"] == 1
    row = world.admin.get(ROW, id="op1")["archivedOperation"]["content"]
    assert [each["kind"] for each in row["entries"]] == ["usage", "adjustment"]
    assert world.findings() == []


def test_a_file_that_a_killed_run_left_is_the_same_file_again(world: World) -> None:
    page = world.archive(first=20)
    path = world.folder / page["archive"]["file"]
    content = path.read_bytes()
    tenant = world.admin.principal.tenant
    # As if it had been killed between the file and the commit.
    with world.database.transaction() as transaction:
        transaction.run_text(
            "MATCH (u:TokenUsage) WHERE u.time_key > $begin AND u.time_key < $end "
            "SET u.archived = null, u.region = 'eu'",
            {"begin": f"{tenant}/~", "end": f"{tenant}0"},
        )
        transaction.run_text(
            "MATCH (u:TokenUsage) WHERE u.time_key > $begin AND u.time_key < $end "
            "SET u.time_key = u.tenant + '/' + substring(u.time_key, size(u.tenant) + 2), "
            "u.tags = '{\"run\":' + substring(u.operation_id, 2) + '}'",
            {"begin": f"{tenant}/~", "end": f"{tenant}0"},
        )
        transaction.run_text(
            "MATCH (a:Archive {uid: $uid}) DELETE a", {"uid": f"{tenant}/{page['archive']['archiveId']}"}
        )
    assert world.admin.get(ARCHIVES)["archiveOrphans"] == [page["archive"]["file"]]
    again = world.archive(first=20)
    assert again["archive"] == page["archive"]
    assert path.read_bytes() == content
    assert world.admin.get(ARCHIVES)["archiveOrphans"] == []
    assert world.findings() == []


def test_two_that_archive_at_once_archive_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.archiver(folder=world.folder.with_name("other"))
    tenant, horizon_us = world.admin.principal.tenant, other.horizon_us(35)
    # Another process has the lease.
    monkeypatch.setattr(world.services.archives, "_owner", "another")
    assert world.services.archives.lease(tenant, horizon_us)
    monkeypatch.undo()
    assert world.admin.ask(RUN).code == "UNAVAILABLE"
    # And where both believe to have it, the ledger's lock decides.
    monkeypatch.setattr("graph.archives.Archives.lease", lambda *_: True)
    first = other.step(tenant, horizon_us, "", 30)
    second = world.archive()
    assert (first.archived, second["operations"]) == (30, OPERATIONS - 30)
    assert world.findings() == []


def test_archives_are_for_those_who_see_the_whole(world: World) -> None:
    world.archive_all()
    for role in (Role.VIEWER, Role.RECORDER, Role.RESEARCHER):
        for text in (ARCHIVES, RUN):
            assert world.admin.as_role(role).ask(text).code == "FORBIDDEN"
    operator = world.admin.as_role(Role.OPERATOR)
    assert operator.get(ARCHIVES)["archives"]["nodes"] != []
    assert operator.ask(RUN).code == "FORBIDDEN"
    confined = world.admin.confined("web")
    for text in ("{ archives { nodes { file } } }", "{ archiveOrphans }", RUN):
        assert confined.ask(text).code == "FORBIDDEN"
    own = confined.get(ROW, id="op0")["archivedOperation"]
    assert (own["archive"], own["content"]["budget_id"]) == (None, "web")
    assert confined.get(ROW, id="op1") == confined.get(ROW, id="nobody") == {"archivedOperation": None}
    assert world.twin.get(ARCHIVES)["archives"]["nodes"] == []
    assert world.twin.get(ROW, id="op1") == {"archivedOperation": None}
    assert len(world.listed(world.twin)) == OPERATIONS
    assert world.twin.get(CHECK)["ledgerCheck"]["ok"]


def test_who_archived_is_on_the_record_and_what_is_archived_by_itself_is_not(world: World) -> None:
    archiver = world.archiver()
    tenant, days = world.admin.principal.tenant, 35
    assert archiver.step(tenant, archiver.horizon_us(days), "", 20).archived == 20
    log = "{ auditLog(first: 1) { nodes { action author subject budgetId before after } } }"
    assert world.admin.get(log)["auditLog"]["nodes"][0]["action"] == "budget.create"
    page = world.archive()
    (act,) = world.admin.get(log)["auditLog"]["nodes"]
    assert (act["action"], act["author"], act["budgetId"]) == ("usage.archive", "an-admin", None)
    assert (act["subject"], act["after"]["sha256"]) == (
        page["archive"]["archiveId"],
        page["archive"]["sha256"],
    )
    assert act["after"]["operations"] == OPERATIONS - 20
