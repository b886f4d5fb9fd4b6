"""Rollups of what the ledger itself records: beside its commits, across moves, without prices."""

import threading
from typing import Any

import pytest

from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.rollups import Folder, RollupCheck, Rollups
from graph.rollups import folder as folding
from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.commands import Command, CreateBudget, MoveBudget, Record
from ledger.committer import Committer
from ledger.model import BudgetType, uid_of
from ledger.results import RecordedUsage
from ledger.usage import Usage, parse_usage
from pricing.quote import Pricing, Quote, Reason

FREE = Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)


class Ledger:
    """A committer and the rollups of one tenant."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.tenant = tenant
        self.rollups = Rollups(database, Trees(database))
        self.folder = Folder(database, self.rollups, fold_seqs=100)
        self.check = RollupCheck(database, self.rollups)
        self.committer = Committer(GraphLedgerStore(database))
        self.committer.start()

    def submit(self, *commands: Command) -> list[Any]:
        return self.committer.submit_blocking(commands, 60)

    def create(self, budget_id: str, parent: str | None, kind: BudgetType = BudgetType.CUSTOM) -> None:
        self.submit(CreateBudget(self.tenant, None, budget_id, kind, parent))

    def record(self, number: int, budget_id: str, quote: Quote | None = None, **fields: Any) -> Record:
        usage = parse_usage(
            {
                "operation_id": f"op-{number}",
                "agent_id": "agent",
                "budget_id": budget_id,
                "model_id": "model",
                "capability_type": "chat",
                "prompt_tokens": 100,
                "completion_tokens": 10,
            }
            | fields
        )
        assert isinstance(usage, Usage)
        price = Quote(Pricing.PRICED, "USD", 1_000, 500, 0, 1_500) if quote is None else quote
        return Record(self.tenant, None, usage, price)

    def rollup(self, budget_id: str, *by: Dimension, **fields: Any) -> Any:
        (found,) = self.rollups.query(
            self.tenant, [RollupQuery(uid_of(self.tenant, budget_id), by, **fields)]
        )
        return found

    def fold(self) -> None:
        while self.folder.fold_once(self.tenant):
            pass


@pytest.fixture
def ledger(database: Database, tenant: str) -> Any:
    opened = Ledger(database, tenant)
    yield opened
    opened.committer.stop()


@pytest.mark.parametrize("folded", [True, False])
def test_a_moved_budget_leaves_its_past_where_it_was(ledger: Ledger, folded: bool) -> None:
    for budget_id, parent in (("root", None), ("left", "root"), ("right", "root"), ("leaf", "left")):
        ledger.create(budget_id, parent, BudgetType.PROJECT if parent == "root" else BudgetType.CUSTOM)
    ledger.submit(ledger.record(1, "leaf"))
    if folded:
        ledger.fold()
    ledger.submit(MoveBudget(ledger.tenant, None, "leaf", "right"))
    ledger.submit(ledger.record(2, "leaf"), ledger.record(3, "leaf"))
    if folded:
        ledger.fold()
    totals = {each: ledger.rollup(each).total.operations for each in ("root", "left", "right", "leaf")}
    assert totals == {"root": 3, "left": 1, "right": 2, "leaf": 3}
    by_project = ledger.rollup("leaf", Dimension.PROJECT).rows
    assert [(row.keys[0][1], row.measures.operations) for row in by_project] == [("right", 2), ("left", 1)]
    assert ledger.check.compare(ledger.tenant) == []


@pytest.mark.parametrize("folded", [True, False])
def test_usage_without_a_price_counts_and_costs_nothing(ledger: Ledger, folded: bool) -> None:
    ledger.create("root", None)
    ledger.submit(ledger.record(1, "root"), ledger.record(2, "root", FREE, outcome="ERROR"))
    if folded:
        ledger.fold()
    total = ledger.rollup("root").total
    assert (total.operations, total.total_tokens, total.total_cost_nano) == (2, 220, 1_500)
    by_outcome = ledger.rollup("root", Dimension.OUTCOME).rows
    assert [(row.keys[0][1], row.measures.total_cost_nano) for row in by_outcome] == [
        ("OK", 1_500),
        ("ERROR", 0),
    ]
    assert ledger.check.compare(ledger.tenant) == []


def test_a_late_operation_lands_on_its_own_day(ledger: Ledger) -> None:
    ledger.create("root", None)
    ledger.submit(ledger.record(1, "root", timestamp="2026-03-05T12:00:00Z"))
    ledger.fold()
    ledger.submit(
        ledger.record(2, "root", timestamp="2026-02-01T00:00:00Z"),
        ledger.record(3, "root", timestamp="2026-03-05T23:59:59.999999Z"),
    )
    for _ in range(2):
        rows = ledger.rollup("root", granularity=Granularity.DAY).rows
        assert [row.measures.operations for row in rows] == [1, 2]
        ledger.fold()
    assert ledger.check.compare(ledger.tenant) == []


def test_beside_recording_and_folding_every_answer_is_exact(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "PAUSE_SECONDS", 0.005)
    ledger.create("root", None)
    ledger.create("leaf", "root")
    stop, acknowledged, sent = threading.Event(), [0], [0]
    worker = threading.Thread(target=ledger.folder.run, args=(stop,))
    worker.start()

    def write() -> None:
        for begin in range(0, 1_500, 30):
            sent[0] = begin + 30
            answers = ledger.submit(*(ledger.record(begin + each, "leaf") for each in range(30)))
            assert all(isinstance(answer, RecordedUsage) for answer in answers)
            acknowledged[0] = begin + 30
            ledger.folder.notify(ledger.tenant)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        # Another process, which sees commits as the engine shows them, and budgets likewise.
        elsewhere = Rollups(database, Trees(database))
        asked = RollupQuery(uid_of(ledger.tenant, "root"), (Dimension.AGENT,), granularity=Granularity.HOUR)
        answers = 0
        while writer.is_alive():
            at_least = acknowledged[0]
            (found,) = (ledger.rollups, elsewhere)[answers % 2].query(ledger.tenant, [asked])
            assert at_least <= found.total.operations <= sent[0]
            assert sum(row.measures.operations for row in found.rows) == found.total.operations
            assert found.total.total_cost_nano == 1_500 * found.total.operations
            answers += 1
        assert answers > 3
    finally:
        writer.join()
        stop.set()
        ledger.folder.wake()
        worker.join()
    assert ledger.rollup("root").total.operations == 1_500
    assert ledger.check.compare(ledger.tenant) == []
