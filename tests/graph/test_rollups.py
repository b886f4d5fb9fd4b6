"""Rollups on both engines: exact at any moment, wherever the fold is."""

import random

import pytest

from graph.database import Database
from graph.ledger import Trees
from graph.rollups import Folder, RollupCheck, Rollups
from graph.rollups.query import runs
from insight.errors import NotSettled, UnknownBudget
from insight.rollups import Dimension, Granularity, Measures, RollupQuery
from ledger.model import uid_of
from ledger.tree import BudgetTree
from pricing.calendar import DAY_US
from tests.support.rollup_worlds import BEGIN_US, Writer, random_budgets, random_query
from tests.support.rollups import LABELS, Entry, World, budget, naive


@pytest.mark.parametrize("seed", range(6))
def test_any_rollup_equals_a_loop_over_the_entries_wherever_the_fold_is(
    database: Database, tenant: str, seed: int
) -> None:
    rng = random.Random(seed)
    world = World.of(tenant, random_budgets(rng, tenant))
    writer = Writer(rng, world)
    rollups = Rollups(database, Trees(database))
    folder = Folder(database, rollups, fold_seqs=rng.choice((7, 40, 1000)))
    for _ in range(4):
        writer.write(rng.randrange(1, 50))
        writer.move()
        world.store(database)
        for _ in range(rng.choice((0, 1, 1, 20))):
            folder.fold_once(tenant)
        queries = [random_query(rng, world) for _ in range(6)]
        results = rollups.query(tenant, queries)
        for query, found in zip(queries, results, strict=True):
            assert (found.total, found.own, found.rows) == naive(world.entries, world.tree, query)
            assert found.as_of_us == 1_000_000 * world.seq
    assert RollupCheck(database, rollups).compare(tenant) == []


def _simple(tenant: str, entries: int = 3) -> World:
    world = World.of(tenant, [budget(tenant, "root"), budget(tenant, "leaf", "root")])
    for _ in range(entries):
        _add(world)
    return world


def _add(world: World) -> None:
    world.seq += 1
    path = world.tree.path(uid_of(world.tenant, "leaf"), {})
    labels = dict.fromkeys(LABELS, "x") | {"agent": f"agent-{world.seq % 2}"}
    measures = (1, 10, 5, 1_000, 500, 0, 0)
    world.add(Entry(world.seq, world.seq, BEGIN_US + world.seq * DAY_US, path, labels, measures))


class FoldingTrees(Trees):
    """Trees that let the fold go on in the middle of a query."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.folder: Folder | None = None
        self.folds = 0

    def at(self, tenant: str, version: int) -> BudgetTree:
        tree = super().at(tenant, version)
        if self.folder is not None and self.folds:
            self.folds -= 1
            self.folder.fold_once(tenant)
        return tree


@pytest.mark.parametrize("granularity", [Granularity.TOTAL, Granularity.HOUR])
def test_a_query_under_which_the_fold_moves_is_read_again(
    database: Database, tenant: str, granularity: Granularity
) -> None:
    world = _simple(tenant, 8)
    world.store(database)
    trees = FoldingTrees(database)
    rollups = Rollups(database, trees)
    trees.folder = Folder(database, Rollups(database, Trees(database)), fold_seqs=2)
    trees.folds = 3
    query = RollupQuery(uid_of(tenant, "root"), (Dimension.AGENT,), granularity)
    (found,) = rollups.query(tenant, [query])
    assert trees.folds == 0
    assert (found.total, found.own, found.rows) == naive(world.entries, world.tree, query)


def test_a_fold_that_never_stands_still_is_said_to(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.rollups.query.ATTEMPTS", 3)
    world = _simple(tenant, 8)
    world.store(database)
    trees = FoldingTrees(database)
    rollups = Rollups(database, trees)
    trees.folder, trees.folds = Folder(database, Rollups(database, Trees(database)), fold_seqs=1), 3
    with pytest.raises(NotSettled):
        rollups.query(tenant, [RollupQuery(uid_of(tenant, "root"))])


def test_an_unknown_budget_and_an_unknown_tenant_are_told_apart_by_nobody(
    database: Database, tenant: str
) -> None:
    rollups = Rollups(database, Trees(database))
    with pytest.raises(UnknownBudget):
        rollups.query(tenant, [RollupQuery(uid_of(tenant, "root"))])
    _simple(tenant).store(database)
    with pytest.raises(UnknownBudget):
        rollups.query(tenant, [RollupQuery(uid_of(tenant, "nobody"))])


def test_a_budget_without_entries_has_zeros(database: Database, tenant: str) -> None:
    world = _simple(tenant, 0)
    world.store(database)
    (found,) = Rollups(database, Trees(database)).query(
        tenant, [RollupQuery(uid_of(tenant, "leaf"), tuple(Dimension), Granularity.HOUR)]
    )
    assert (found.total, found.own, found.rows) == (Measures(), Measures(), ())


def test_no_query_asks_nothing(database: Database, tenant: str) -> None:
    assert Rollups(database, Trees(database)).query(tenant, []) == []


def test_days_without_a_gap_are_read_at_once() -> None:
    assert runs([3, 4, 5, 9, 11, 12]) == [(3, 5), (9, 9), (11, 12)]
    assert runs([]) == []
