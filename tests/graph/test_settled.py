"""Readers beside commits: an engine shows a commit piece by piece, and nobody keeps half of one."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import pytest

from cypher import rollups as queries
from cypher.query import CypherQuery, NoParams
from graph.database import Database, Transaction
from graph.events.stream import EventStream
from graph.ledger import GraphLedgerStore, Trees
from graph.ledger.settled import settled_head
from graph.rollups import Folder, RollupCheck, Rollups
from graph.rollups import query as reading
from graph.rollups.stream import read_block
from insight.errors import NotSettled
from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.events import COST_RECORDED
from ledger.model import seq_uid, uid_of
from ledger.tree import BudgetTree
from pricing.calendar import DAY_US
from tests.support.desk import Desk
from tests.support.rollup_worlds import BEGIN_US
from tests.support.rollups import LABELS, Entry, World, budget, naive

ENTRY: LiteralString = """
CREATE (:TokenUsage {uid: $uid, timestamp_us: 1, agent_id: 'a', model_id: 'm', capability_type: 'chat',
  category: 'api_call', outcome: 'OK', resource_type: 'LLMTokens', operation_id: $uid, budget_id: 'b'})
  -[:INCURRED]->(:CostEntry {uid: $uid, seq: $seq, charge_path: 'p', operations: 1, prompt_tokens: 2,
  completion_tokens: 3, prompt_cost_nano: 4, completion_cost_nano: 5, other_cost_nano: 0, kind: 'usage',
  recorded_at_us: 1, total_cost_nano: 9, currency: 'USD'})
"""
EVENT: LiteralString = """
CREATE (:Event {uid: $uid, seq: $seq, type: 'budget.warning', budget_uid: 'b', at_us: 1, payload: '{}'})
"""
UNPRICED: LiteralString = """
CREATE (:TokenUsage {uid: $uid, timestamp_us: 1, agent_id: 'a', capability_type: 'chat', category: 'api_call',
  outcome: 'OK', resource_type: 'LLMTokens', charge_path: 'p', prompt_tokens: 2, completion_tokens: 3,
  unpriced_seq: $seq, unpriced_key: $uid})
"""


class Torn:
    """A commit of four numbers of which readers see the ledger first, and the rest after their first look."""

    def __init__(self, database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._tenant = tenant
        self._rest: list[tuple[LiteralString, int]] = [(ENTRY, 2), (UNPRICED, 3), (EVENT, 4)]
        self._reading = database.reading
        self._database = database
        self._write("CREATE (l:Ledger {uid: $t, tenant: $t, seq: 4, version: 1, last_now_us: 1, commits: 1})")
        self._write(ENTRY, 1)
        self.looks = 0
        monkeypatch.setattr(database, "reading", self.look)

    def look(self, work: Callable[[Transaction], Any]) -> Any:
        self.looks += 1
        found = self._reading(work)
        for text, seq in self._rest:
            self._write(text, seq)
        self._rest.clear()
        return found

    def _write(self, text: LiteralString, seq: int = 0) -> None:
        params = {"t": self._tenant, "uid": seq_uid(self._tenant, seq), "seq": seq}
        self._database.writing(lambda each: each.run_text(text, params))


def test_a_stretch_of_the_stream_is_read_again_until_none_is_missing(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = Torn(database, tenant, monkeypatch)
    assert sorted(read_block(database, tenant, 0, 4).seqs.tolist()) == [1, 2, 3]
    assert torn.looks == 2
    assert sorted(read_block(database, tenant, 0, 4).seqs.tolist()) == [1, 2, 3]
    assert torn.looks == 3, "what is whole is read once"


@pytest.mark.parametrize("costs", [True, False])
def test_events_are_read_again_until_none_is_missing(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch, costs: bool
) -> None:
    torn = Torn(database, tenant, monkeypatch)
    told = [(event.seq, event.type) for event in EventStream(database).read(tenant, 0, 4, costs=costs)]
    expected = [(1, COST_RECORDED), (2, COST_RECORDED)] if costs else []
    assert told == [*expected, (4, "budget.warning")]
    assert torn.looks == 2


def test_a_number_that_nothing_has_stops_nobody(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = Torn(database, tenant, monkeypatch)
    read_block(database, tenant, 0, 4)
    database.writing(
        lambda each: each.run_text("MATCH (e:Event {uid: $uid}) DELETE e", {"uid": seq_uid(tenant, 4)})
    )
    assert len(read_block(database, tenant, 0, 4).seqs) == 3
    assert torn.looks == 4


@pytest.mark.parametrize("engine", ["neo4j"], indirect=True)
def test_a_settled_head_waits_for_the_commit_that_is_under_way(database: Database, tenant: str) -> None:
    """The embedded engine has no locks: of two that commit there the late one begins anew."""
    assert settled_head(database, tenant) is None
    Desk(GraphLedgerStore(database), tenant).create("root")
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.append(settled_head(database, tenant)))
    with database.transaction() as committing:
        committing.run_text("MATCH (l:Ledger {uid: $t}) SET l.seq = 99", {"t": tenant})
        reader.start()
        reader.join(0.3)
        assert found == []
    reader.join(30)
    assert [head["seq"] for head in found] == [99]


def test_budgets_of_a_commit_that_is_seen_in_part_are_not_missed(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader finds the ledger's new version before the budget that came with it."""
    desk, trees = Desk(GraphLedgerStore(database), tenant), Trees(database)
    desk.create("root")
    settled = Trees.settled
    version = trees.settled(tenant)
    assert version is not None
    database.writing(
        lambda each: each.run_text("MATCH (l:Ledger {uid: $t}) SET l.version = l.version + 1", {"t": tenant})
    )

    def waits(self: Trees, of: str) -> Any:
        # What the lock waits for: the rest of that commit.
        database.writing(
            lambda each: each.run_text(
                "MATCH (b:Budget {uid: $uid}) SET b.version = $version, b.name = 'renamed'",
                {"uid": uid_of(tenant, "root"), "version": version["version"] + 1},
            )
        )
        return settled(self, of)

    monkeypatch.setattr(Trees, "settled", waits)
    root = trees.get(tenant).get(uid_of(tenant, "root"))
    assert root is not None
    assert root.name == "renamed"


def _world(database: Database, tenant: str, entries: int) -> World:
    world = World.of(tenant, [budget(tenant, "root"), budget(tenant, "leaf", "root")])
    _add(world, entries)
    world.store(database)
    return world


def _add(world: World, entries: int) -> None:
    path = world.tree.path(uid_of(world.tenant, "leaf"), {})
    for _ in range(entries):
        world.seq += 1
        labels = dict.fromkeys(LABELS, "x") | {"agent": f"agent-{world.seq % 2}"}
        measures = (1, 10, 5, 1_000, 500, 0, 0)
        at_us = BEGIN_US + world.seq % 3 * DAY_US
        world.add(Entry(world.seq, world.seq, at_us, path, labels, measures))


def _queries(tenant: str) -> list[RollupQuery]:
    uid = uid_of(tenant, "root")
    return [RollupQuery(uid, (Dimension.AGENT,), each) for each in (Granularity.TOTAL, Granularity.HOUR)]


def _assert_exact(rollups: Rollups, world: World) -> None:
    asked = _queries(world.tenant)
    for query, found in zip(asked, rollups.query(world.tenant, asked), strict=True):
        assert (found.total, found.own, found.rows) == naive(world.entries, world.tree, query)


class TornTransaction(Transaction):
    """A fold's transaction whose commit is seen statement by statement, its watermark first or last."""

    def __init__(self, database: Database, seen: Callable[[], None], *, watermark_first: bool) -> None:
        self._database = database
        self._seen = seen
        self._watermark_first = watermark_first
        self._nodes: list[tuple[CypherQuery[Any, Any], Any]] = []

    def run_consume(self, query: CypherQuery[Any, Any], params: Any) -> None:
        self._nodes.append((query, params))

    def run(self, query: CypherQuery[Any, Any], params: Any) -> list[Any]:
        assert query is queries.ADVANCE
        return list(self._pieces(query, params))

    def _pieces(self, query: CypherQuery[Any, Any], params: Any) -> Iterator[Any]:
        self._seen()
        if self._watermark_first:
            yield from self._database.write(query, params)
            self._seen()
        for node, rows in self._nodes:
            self._database.write(node, rows)
            self._seen()
        if not self._watermark_first:
            yield from self._database.write(query, params)
            self._seen()


@pytest.mark.parametrize("watermark_first", [True, False])
def test_who_reads_while_a_fold_is_committed_gets_no_answer_rather_than_half_of_one(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch, watermark_first: bool
) -> None:
    world = _world(database, tenant, 12)
    rollups, of_fold = Rollups(database, Trees(database)), Database(database.connection)
    folder = Folder(of_fold, Rollups(of_fold, Trees(of_fold)))
    assert folder.fold_once(tenant) == 12
    _add(world, 12)
    world.store(database)
    _assert_exact(rollups, world)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        with pytest.raises(NotSettled):
            rollups.query(tenant, _queries(tenant))

    monkeypatch.setattr(reading, "PATIENCE", reading.ATTEMPTS)
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)
    with monkeypatch.context() as torn, of_fold:
        torn.setattr(
            of_fold,
            "writing",
            lambda work: work(TornTransaction(of_fold, look, watermark_first=watermark_first)),
        )
        assert folder.fold_once(tenant) == 12
    assert looks > 3
    _assert_exact(rollups, world)
    assert RollupCheck(database, rollups).compare(tenant) == []


def test_whose_fold_died_in_its_commit_keeps_nobody_from_reading(database: Database, tenant: str) -> None:
    world = _world(database, tenant, 6)
    rollups = Rollups(database, Trees(database))
    folder = Folder(database, rollups)
    folder.fold_once(tenant)
    database.write(queries.BEGIN, {"tenant": tenant})
    _assert_exact(rollups, world)
    assert {"tenant": tenant} in database.read(queries.BACKLOG, NoParams())
    assert RollupCheck(database, rollups).compare(tenant) == []
    (head,) = database.read(queries.HEAD, {"tenant": tenant})
    assert head["ended"] == head["begun"] == 2
    assert {"tenant": tenant} not in database.read(queries.BACKLOG, NoParams())


class TearingTrees(Trees):
    """Trees in whose use a fold is being committed: the cells that it takes away have lost a column."""

    mended: threading.Timer | None = None

    def at(self, tenant: str, version: int) -> BudgetTree:
        tree = super().at(tenant, version)
        if self.mended is None:
            self._write("MATCH (c:Cells {tenant: $t}) SET c.kept = c.slot, c.slot = null", tenant)
            self._database.write(queries.BEGIN, {"tenant": tenant})
            self.mended = threading.Timer(0.05, self._mend, [tenant])
            self.mended.start()
        return tree

    def _mend(self, tenant: str) -> None:
        self._write("MATCH (c:Cells {tenant: $t}) SET c.slot = c.kept", tenant)
        self._database.write(queries.RELEASE, {"tenant": tenant, "owner": "me"})

    def _write(self, text: LiteralString, tenant: str) -> None:
        self._database.writing(lambda each: each.run_text(text, {"t": tenant}))


def test_a_node_that_is_seen_half_written_is_read_again(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _world(database, tenant, 6)
    Folder(database, Rollups(database, Trees(database))).fold_once(tenant)
    trees = TearingTrees(database)
    rollups = Rollups(database, trees)
    for name in ("PATIENCE", "ATTEMPTS"):
        monkeypatch.setattr(reading, name, 10_000)
    _assert_exact(rollups, world)
    assert trees.mended is not None
    trees.mended.join()
    database.writing(
        lambda each: each.run_text("MATCH (c:Cells {tenant: $t}) SET c.slot = null", {"t": tenant})
    )
    with pytest.raises(TypeError):
        rollups.query(tenant, _queries(tenant))
