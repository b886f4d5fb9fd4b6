"""The unfolded tail: read once, kept until it is folded, handed over by the committer where it can be."""

import random
import threading
from collections import Counter
from typing import Any

import pytest

from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.rollups import Folder, Rollups, stream
from graph.rollups import tail as tails
from graph.rollups.stream import Block, Offer, block_of, offer_of, read_block
from graph.rollups.tail import Moved, Tails
from insight.facts import LABELS, Facts, concatenate
from insight.rollups import MEASURES, RollupQuery
from ledger.changes import Changes
from ledger.commands import CreateBudget, LimitSpec, Record
from ledger.committer import Committer
from ledger.model import BudgetType, Meter, WindowKind, uid_of
from ledger.usage import Usage, parse_usage
from pricing.book import Book
from pricing.quote import Pricing, Quote, Reason
from pricing.resources import default_cards
from tests.support.rollup_worlds import Writer, random_budgets
from tests.support.rollups import Entry, World, facts_of


def _world(database: Database, tenant: str, count: int) -> tuple[World, Writer]:
    rng = random.Random(count)
    world = World.of(tenant, random_budgets(rng, tenant))
    writer = Writer(rng, world)
    writer.write(count)
    world.store(database)
    return world, writer


def _rows(facts: Facts) -> Counter[tuple[Any, ...]]:
    """The facts as a bag of rows."""
    columns = [facts.columns[name].texts() for name in LABELS]
    return Counter(zip(facts.at_us.tolist(), *columns, *facts.measures.tolist(), strict=True))


def _between(world: World, after: int, through: int) -> Counter[tuple[Any, ...]]:
    return _rows(facts_of([entry for entry in world.entries if after < entry.seq <= through]))


class Reads:
    """Counts what is read of the stream."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spans: list[tuple[int, int]] = []
        monkeypatch.setattr(tails, "read_block", self._read)

    def _read(self, database: Database, tenant: str, after: int, through: int) -> Block:
        self.spans.append((after, through))
        return stream.read_block(database, tenant, after, through)


def test_each_part_is_read_once_and_given_as_often_as_it_is_asked_for(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    world, writer = _world(database, tenant, 40)
    kept = Tails(database)
    half = world.seq // 2
    for after, through in ((0, half), (0, half), (0, world.seq), (half, world.seq), (3, half)):
        found = list(kept.read(tenant, 0, after, through))
        assert _rows(concatenate(found)) == _between(world, after, through)
    assert reads.spans == [(0, half), (half, world.seq)]
    writer.write(10)
    before = world.entries[39].seq
    world.store(database)
    kept.folded(tenant, 0, half)
    found = list(kept.read(tenant, 0, half, world.seq))
    assert _rows(concatenate(found)) == _between(world, half, world.seq)
    assert reads.spans[2:] == [(before, world.seq)]


def test_what_is_folded_is_forgotten_and_who_asks_for_it_is_late(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 20)
    kept = Tails(database)
    list(kept.read(tenant, 0, 0, world.seq))
    kept.folded(tenant, 0, world.seq)
    with pytest.raises(Moved):
        list(kept.read(tenant, 0, 0, world.seq))
    rebuilt = list(kept.read(tenant, 1, 0, world.seq))
    assert _rows(concatenate(rebuilt)) == _between(world, 0, world.seq)
    with pytest.raises(Moved):
        list(kept.read(tenant, 0, 0, world.seq))


def test_a_fold_by_another_process_leaves_no_gap(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 40)
    kept = Tails(database)
    list(kept.read(tenant, 0, 0, 10))
    found = list(kept.read(tenant, 0, 20, world.seq))
    assert _rows(concatenate(found)) == _between(world, 20, world.seq)


def test_a_tail_that_is_too_long_to_keep_is_read_in_chunks(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "KEPT_ROWS_MAX", 15)
    monkeypatch.setattr(tails, "CHUNK_SEQS", 10)
    reads = Reads(monkeypatch)
    world, _ = _world(database, tenant, 60)
    kept = Tails(database)
    for _ in range(2):
        found = list(kept.read(tenant, 0, 0, world.seq))
        assert _rows(concatenate(found)) == _between(world, 0, world.seq)
    assert all(through - after <= 10 for after, through in reads.spans)
    repeated = [span for span, times in Counter(reads.spans).items() if times == 2]
    assert 0 < len(repeated) < len(set(reads.spans))


def test_small_parts_are_joined(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 64)
    kept = Tails(database)
    pieces = 0
    for through in range(1, world.seq + 1):
        pieces = len(list(kept.read(tenant, 0, 0, through)))
    assert pieces < 9


def _offer(after: int, through: int) -> Offer:
    seqs = range(after + 1, through + 1)
    return Offer(after, through, [(seq, seq, *["x"] * len(LABELS), *[1] * len(MEASURES)) for seq in seqs])


def _offer_of(entry: Entry) -> Offer:
    facts = facts_of([entry])
    labels = (facts.columns[name].texts()[0] for name in LABELS)
    row = (entry.seq, int(facts.at_us[0]), *labels, *facts.measures[:, 0].tolist())
    return Offer(entry.seq - 1, entry.seq, [row])


def test_what_is_offered_is_not_read(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = _world(database, tenant, 5)
    seq = world.seq
    kept = Tails(database)
    kept.offer(tenant, _offer(seq, seq + 3))  # nobody has asked yet: forgotten
    list(kept.read(tenant, 0, 0, seq))
    reads = Reads(monkeypatch)
    kept.offer(tenant, _offer(seq - 1, seq))  # known by now
    kept.offer(tenant, _offer(seq - 1, seq + 2))  # known in part
    kept.offer(tenant, _offer(seq + 2, seq + 3))
    assert sum(len(each) for each in kept.read(tenant, 0, seq, seq + 3)) == 3
    assert reads.spans == []
    kept.offer(tenant, _offer(seq + 5, seq + 9))
    assert sum(len(each) for each in kept.read(tenant, 0, seq, seq + 7)) == 5  # the gap is empty
    assert reads.spans == [(seq + 3, seq + 5)]
    assert sum(len(each) for each in kept.read(tenant, 0, seq + 4, seq + 9)) == 4


def test_offers_that_nobody_takes_are_dropped_and_read_instead(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, writer = _world(database, tenant, 5)
    kept = Tails(database)
    list(kept.read(tenant, 0, 0, world.seq))
    before = len(world.entries)
    writer.write(60)
    world.store(database)
    reads = Reads(monkeypatch)
    monkeypatch.setattr(tails, "OFFERED_ROWS_MAX", 20)
    for entry in world.entries[before:]:
        kept.offer(tenant, _offer_of(entry))
    found = list(kept.read(tenant, 0, 0, world.seq))
    assert _rows(concatenate(found)) == _between(world, 0, world.seq)
    assert reads.spans != []


def test_an_offer_never_waits_for_a_reader(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = _world(database, tenant, 5)
    kept = Tails(database)
    list(kept.read(tenant, 0, 0, 1))
    reading, done = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Block:
        reading.set()
        assert done.wait(60)
        return read_block(*arguments)

    monkeypatch.setattr(tails, "read_block", slow)
    found: list[Facts] = []
    reader = threading.Thread(target=lambda: found.extend(kept.read(tenant, 0, 0, world.seq)))
    reader.start()
    assert reading.wait(60)
    kept.offer(tenant, _offer(world.seq, world.seq + 1))
    done.set()
    reader.join()
    assert _rows(concatenate(found)) == _between(world, 0, world.seq)
    assert sum(len(each) for each in kept.read(tenant, 0, 0, world.seq + 1)) == len(world.entries) + 1


class Observed:
    """Keeps what the committer tells, and hands it on to a folder."""

    def __init__(self) -> None:
        self.changes: list[Changes] = []
        self.folder: Folder | None = None

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:
        assert min(commands, seconds, waiting) >= 0
        self.changes.append(changes)
        if self.folder is not None:
            self.folder.committed(changes)

    def retried(self, reason: str) -> None:
        raise AssertionError(reason)


IDS = ("operation_id", "agent_id", "budget_id", "capability_type")


def _record(tenant: str, number: int) -> Record:
    fields: dict[str, Any] = {
        "operation_id": f"op-{number}",
        "agent_id": f"agent-{number % 3}",
        "budget_id": "leaf",
        "model_id": "model",
        "capability_type": "chat",
        "prompt_tokens": 100 + number,
        "completion_tokens": 10,
        "cache_read_tokens": 5,
    }
    if number % 4 == 0:
        fields |= {"user_id": "ann", "provider": "p", "outcome": "ERROR", "category": "batch"}
    if number % 6 == 1:
        # One of them has a price, the other none.
        unit = "cpu_core_hour" if number % 4 == 1 else "storage_gb_hour"
        fields = {**{name: fields[name] for name in IDS}, "unit": unit, "quantity": f"{number}.5"}
    usage = parse_usage(fields)
    assert isinstance(usage, Usage)
    quote = Quote(Pricing.PRICED, "USD", 1_000, 500, 7, 1_507, price_card="q/model")
    if number % 5 == 0:
        quote = Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)
    return Record(tenant, None, usage, quote)


def test_what_the_committer_hands_over_is_what_the_graph_holds(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = Observed()
    rollups = Rollups(database, Trees(database))
    lists = [Book(default_cards())]
    committer = Committer(GraphLedgerStore(database), lists=lists, observer=observed)
    committer.start()
    try:
        limit = LimitSpec(Meter.REQUESTS, 20, WindowKind.LIFETIME)
        committer.submit_blocking([CreateBudget(tenant, None, "leaf", BudgetType.TASK, limits=(limit,))])
        rollups.query(tenant, [RollupQuery(uid_of(tenant, "leaf"))])
        observed.folder = Folder(database, rollups)
        reads = Reads(monkeypatch)
        for begin in range(0, 60, 20):
            committer.submit_blocking([_record(tenant, begin + each) for each in range(20)])
            (found,) = rollups.query(tenant, [RollupQuery(uid_of(tenant, "leaf"))])
            assert found.total.operations == begin + 20
    finally:
        committer.stop()
    offers = [offer for changes in observed.changes if (offer := offer_of(changes)) is not None]
    blocks = [block_of([each]) for each in offers]
    assert any(changes.events for changes in observed.changes)
    assert sum(len(block.seqs) for block in blocks) == 60
    for block in blocks:
        held = read_block(database, tenant, block.after, block.through)
        assert sorted(block.seqs.tolist()) == sorted(held.seqs.tolist())
        assert _rows(block.facts) == _rows(held.facts)
    place = 1 + LABELS.index("resource_type")
    kinds = {(row[place], row[-1] > 0) for block in blocks for row in _rows(block.facts)}
    assert kinds == {("LLMTokens", False), ("SandboxCPU", True), ("Storage", True)}
    assert reads.spans == []
    assert Folder(database, rollups).fold_once(tenant) == observed.changes[-1].head.seq


def test_a_batch_without_usage_or_with_a_gap_is_not_handed_over() -> None:
    assert offer_of(Changes()) is None
