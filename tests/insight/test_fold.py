"""The fold: what Rollup nodes hold is what their entries add up to."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight.encoding import decode_table, from_rows, to_rows
from insight.errors import UnknownBudget
from insight.facts import Facts
from insight.fold import StoredRollup, roll_up
from insight.grouping import total
from insight.rollups import INT_MAX, MEASURES, Dimension
from ledger.model import BudgetType
from pricing.calendar import day_number, zone
from tests.support.rollup_memory import Memory, in_pieces
from tests.support.rollup_worlds import BEGIN_US, Writer, random_budgets
from tests.support.rollups import LABELS, Entry, World, budget, facts_of

seeds = st.integers(0, 2**32)
Sums = dict[tuple[str, int, str, str], list[int]]


def _world(seed: int, count: int) -> World:
    rng = random.Random(seed)
    world = World.of("t", random_budgets(rng, "t"))
    writer = Writer(rng, world)
    writer.write(count)
    writer.move()
    writer.write(count)
    return world


def _naive(world: World) -> Sums:
    """Sums by budget, day, dimension and label, one entry at a time; total and own as dimensions."""
    found: Sums = {}
    for entry in world.entries:
        for index, uid in enumerate(entry.path.budget_uids):
            payer = world.tree.get(uid)
            assert payer is not None
            day = day_number(entry.at_us, zone(payer.rollup_timezone))
            direct = index == 0 or uid in entry.path.scoped
            labels = {each: entry.labels[each] for each in LABELS} | {"total": ""}
            labels["budget"] = "" if direct else entry.path.chain[index - 1]
            for kind in ("project", "task", "team"):
                labels[kind] = next(_of_kind(world, entry, kind), "")
            if direct:
                labels["own"] = ""
            for dimension, label in labels.items():
                sums = found.setdefault((uid, day, dimension, label), [0] * len(MEASURES))
                sums[:] = [left + right for left, right in zip(sums, entry.measures, strict=True)]
    return found


def _of_kind(world: World, entry: Entry, kind: str) -> Iterator[str]:
    for uid in entry.path.budget_uids:
        each = world.tree.get(uid)
        if each is not None and each.budget_type.value == kind:
            yield uid


def _held(nodes: dict[tuple[str, int], StoredRollup]) -> Sums:
    found: Sums = {}
    for (uid, day), node in nodes.items():
        found[uid, day, "total", ""] = node.total
        if any(node.own):
            found[uid, day, "own", ""] = node.own
        row = bytes(memoryview(b"".join(value.to_bytes(8, "little", signed=True) for value in node.total)))
        for dimension in Dimension:
            labels, rows = decode_table(node.tables[dimension.column], row)
            assert len(set(labels)) == len(labels)
            for label, sums in zip(labels, from_rows(rows).T.tolist(), strict=True):
                found[uid, day, dimension.column, label] = sums
    return found


@settings(deadline=None)
@given(seeds, st.lists(st.integers(1, 30), max_size=4))
def test_nodes_hold_what_their_entries_add_up_to_however_they_are_folded(seed: int, sizes: list[int]) -> None:
    world = _world(seed, 30)
    memory = Memory(world)
    for piece in in_pieces(world.entries, sizes):
        if piece:
            memory.fold(piece)
    expected = _naive(world)
    held = _held(memory.rollups)
    assert {key: sums for key, sums in held.items() if any(sums)} == {
        key: sums for key, sums in expected.items() if any(sums)
    }
    assert {key for key in held if key[2] not in {"total", "own"}} == {
        key for key in expected if key[2] not in {"total", "own"}
    }


@settings(deadline=None)
@given(seeds)
def test_facts_of_cells_add_up_to_the_facts_of_the_stream(seed: int) -> None:
    facts = facts_of(_world(seed, 20).entries)
    assert total(facts.by_quarter().measures).tolist() == total(facts.measures).tolist()


def test_nothing_folds_to_nothing() -> None:
    world = World.of("t", [budget("t", "root")])
    assert roll_up(facts_of([]), {}, world.tree).keys == []


def test_a_scoped_budget_is_charged_once_and_directly() -> None:
    tree = World.of(
        "t",
        [
            budget("t", "root"),
            budget("t", "task", "root", BudgetType.TASK),
            budget("t", "ann", "root", BudgetType.USER, resource_id="ann"),
        ],
    ).tree
    path = tree.path("t/task", {"user_id": "ann"})
    entry = Entry(1, 0, BEGIN_US, path, dict.fromkeys(LABELS, "x"), (1, 10, 5, 100, 50, 0, 0))
    (scoped,) = [
        node
        for node in roll_up(facts_of([entry]), {path.uid: path}, tree).nodes()
        if node.budget_uid == "t/ann"
    ]
    assert scoped.total == scoped.own == list(entry.measures)
    assert scoped.tables["budget"] is None
    assert decode_table(scoped.tables["task"], to_rows(facts_of([entry]).measures))[0] == ["t/task"]


def test_a_path_to_nowhere_is_an_error() -> None:
    tree = World.of("t", [budget("t", "root")]).tree
    path = tree.path("t/root", {})
    entry = Entry(1, 0, BEGIN_US, path, dict.fromkeys(LABELS, "x"), (1, 10, 5, 100, 50, 0, 0))
    with pytest.raises(UnknownBudget):
        roll_up(facts_of([entry]), {path.uid: path}, World.of("t", [budget("t", "other")]).tree)


def test_a_day_past_64_bits_spoils_its_own_sums_only() -> None:
    world = World.of("t", [budget("t", "root"), budget("t", "leaf", "root")])
    paths = [world.tree.path(uid, {}) for uid in ("t/root", "t/leaf")]
    labels = dict.fromkeys(LABELS, "x")
    for seq in range(4):
        tokens = INT_MAX // 2 if seq else 1
        world.add(Entry(seq, seq, BEGIN_US, paths[seq < 1], labels, (1, tokens, 5, 100, 50, 0, 0)))
    memory = Memory(world)
    memory.fold(world.entries[:3])
    memory.fold(world.entries[3:])
    nodes = {node.budget_uid: node for node in memory.rollups.values()}
    assert nodes["t/root"].total == [4, INT_MAX, 20, 400, 200, 0, 0]
    assert nodes["t/leaf"].total == [1, 1, 5, 100, 50, 0, 0]


def test_facts_keep_the_columns_that_they_were_given() -> None:
    facts = Facts.of([1, 2], {"path": ["a", "b"]}, [[1, 1]] * len(MEASURES))
    assert facts.take([1]).columns["path"].texts() == ["b"]  # type: ignore[arg-type]
