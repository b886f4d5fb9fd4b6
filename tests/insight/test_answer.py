"""Answers equal what a loop over the entries adds up, wherever the fold is."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight import answer as answers
from insight.errors import InvalidQuery, SumOutOfRange
from insight.rollups import INT_MAX, Dimension, Granularity, Measures, RollupQuery
from ledger.model import BudgetType
from pricing.calendar import DAY_US
from tests.support.rollup_memory import Memory, in_pieces
from tests.support.rollup_worlds import BEGIN_US, Writer, random_budgets, random_query
from tests.support.rollups import LABELS, Entry, World, budget, naive


@given(st.integers(0, 2**32), st.lists(st.integers(1, 40), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_answer_equals_a_loop_over_the_entries(seed: int, folds: list[int]) -> None:
    rng = random.Random(seed)
    world = World.of("t", random_budgets(rng, "t"))
    writer = Writer(rng, world)
    for _ in range(3):
        writer.write(30)
        writer.move()
    *pieces, rest = in_pieces(world.entries, folds)
    memory = Memory(world)
    for piece in pieces:
        if piece:
            memory.fold(piece)
    for _ in range(8):
        query = random_query(rng, world)
        found = memory.query(query, rest)
        assert (found.total, found.own, found.rows) == naive(world.entries, world.tree, query)


def _small(tokens: int = 10, count: int = 3) -> Memory:
    world = World.of(
        "t",
        [
            budget("t", "root"),
            budget("t", "web", "root", BudgetType.PROJECT, resource_id="website"),
            budget("t", "leaf", "web", BudgetType.TASK),
        ],
    )
    labels = dict.fromkeys(LABELS, "x")
    for seq, uid in enumerate(["t/leaf", "t/web", "t/root"][:count]):
        path = world.tree.path(uid, {})
        measures = (1, tokens, 5, 100 * 10**seq, 50, 0, 0)
        world.add(Entry(seq, seq, BEGIN_US + seq * DAY_US, path, labels, measures))
    return Memory(world)


@pytest.mark.parametrize("folded", [True, False])
def test_rows_are_split_by_child_and_name_what_projects_pay_for(folded: bool) -> None:
    memory = _small()
    if folded:
        memory.fold(memory.world.entries)
    rest = [] if folded else memory.world.entries
    by_child = memory.query(RollupQuery("t/root", (Dimension.BUDGET,)), rest)
    assert [(row.keys[0][1], row.measures.total_cost_nano) for row in by_child.rows] == [
        (None, 10_050),
        ("web", 1_200),
    ]
    by_project = memory.query(RollupQuery("t/root", (Dimension.PROJECT,)), rest)
    assert [row.keys[0][1] for row in by_project.rows] == [None, "website"]
    hidden = memory.query(RollupQuery("t/leaf", (Dimension.PROJECT,), scope_uid="t/leaf"), rest)
    assert [row.keys[0][1] for row in hidden.rows] == [None]
    shown = memory.query(RollupQuery("t/leaf", (Dimension.PROJECT,), scope_uid="t/web"), rest)
    assert [row.keys[0][1] for row in shown.rows] == ["website"]


def test_own_is_what_was_charged_directly_and_total_all_of_it() -> None:
    memory = _small()
    memory.fold(memory.world.entries)
    found = memory.query(RollupQuery("t/web", granularity=Granularity.DAY, include_descendants=False), [])
    assert found.own == Measures(1, 10, 5, 15, 1000, 50, 0, 1050, 0)
    assert found.total == Measures(2, 20, 10, 30, 1100, 100, 0, 1200, 0)
    assert [(row.start_us, row.measures) for row in found.rows] == [
        ((BEGIN_US + DAY_US) // DAY_US * DAY_US, found.own)
    ]


def test_nothing_to_split_gives_no_rows() -> None:
    memory = _small()
    memory.fold(memory.world.entries)
    assert memory.query(RollupQuery("t/root"), []).rows == ()


def test_rows_come_by_time_then_by_cost_then_by_name() -> None:
    memory = _small()
    labels = dict.fromkeys(LABELS, "x")
    path = memory.world.tree.path("t/root", {})
    for seq, (agent, cost) in enumerate([("b", 7), ("a", 7), ("c", 8), ("", 7)], start=10):
        memory.world.add(Entry(seq, seq, BEGIN_US, path, labels | {"agent": agent}, (1, 0, 0, cost, 0, 0, 0)))
    found = memory.query(
        RollupQuery("t/root", (Dimension.AGENT,), Granularity.YEAR), memory.world.entries[3:]
    )
    assert [row.keys[0][1] for row in found.rows] == ["c", None, "a", "b"]


@pytest.mark.parametrize("folded", [True, False])
def test_a_sum_past_64_bits_is_refused_and_a_part_of_it_is_not(folded: bool) -> None:
    tokens = INT_MAX // 2 - 100
    memory = _small(tokens=tokens)
    if folded:
        memory.fold(memory.world.entries)
    rest = [] if folded else memory.world.entries
    with pytest.raises(SumOutOfRange):
        memory.query(RollupQuery("t/root"), rest)
    assert memory.query(RollupQuery("t/web"), rest).total.prompt_tokens == 2 * tokens


def test_tokens_and_costs_past_64_bits_together_are_refused() -> None:
    with pytest.raises(SumOutOfRange):
        Measures.of((1, INT_MAX - 5, 6, 0, 0, 0, 0))
    with pytest.raises(SumOutOfRange):
        Measures.of((1, 0, 0, INT_MAX // 2, INT_MAX // 2, 5, 0))


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ROWS_MAX", 2)
    memory = _small()
    memory.fold(memory.world.entries)
    with pytest.raises(InvalidQuery):
        memory.query(RollupQuery("t/root", (), Granularity.DAY), [])


def test_more_rows_than_are_kept_pending_are_added_up_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_PENDING_MAX", 1)
    memory = _small()
    memory.fold(memory.world.entries[:1])
    query = RollupQuery("t/root", (Dimension.BUDGET, Dimension.AGENT), Granularity.HOUR)
    found = memory.query(query, memory.world.entries[1:])
    assert (found.total, found.own, found.rows) == naive(memory.world.entries, memory.world.tree, query)


@pytest.mark.parametrize("cost", [5, INT_MAX // 8, INT_MAX // 3 - 50])
def test_large_figures_of_a_row_are_exact(cost: int) -> None:
    memory = _small(count=1)
    path = memory.world.tree.path("t/root", {})
    measures = (1, cost, cost, cost, cost, cost, cost)
    memory.world.add(Entry(9, 9, BEGIN_US + 3 * DAY_US, path, dict.fromkeys(LABELS, "x"), measures))
    (_, row) = memory.query(RollupQuery("t/root", granularity=Granularity.DAY), memory.world.entries).rows
    assert row.measures == Measures(1, cost, cost, 2 * cost, cost, cost, cost, 3 * cost, cost)
