"""Fronts, crowding, hypervolume and hulls against pymoo, moocore, DEAP, and the reference values."""

import time
from typing import Any

import moocore
import numpy as np
import pytest
from deap import base, creator, tools
from hypothesis import given, settings
from hypothesis import strategies as st
from pymoo.indicators.hv import HV
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from evolution.arrays import points_of
from evolution.errors import InvalidInput
from evolution.selectors.frontier import dominance_frontier, hull_frontier
from evolution.selectors.sorting import crowding, front_ranks, fronts, hypervolume
from tests.evolution.data import aider


def grids(columns: int) -> st.SearchStrategy[list[tuple[float, ...]]]:
    """Points on a small grid: many ties, many duplicates."""
    return st.lists(st.tuples(*[st.integers(0, 4).map(float)] * columns), min_size=1, max_size=30)


def leaderboard() -> Any:
    return np.array([(cost, -passes) for _, cost, passes, _ in aider() if cost is not None], dtype=float)


def test_fronts_are_the_reference_ones() -> None:
    points = [[0, 1], [-1, 3], [2.3, -0.2], [1.1, -0.12], [1.1, 2.12], [-1.1, -1.1]]
    assert fronts(points) == [[5], [0, 1, 2, 3], [4]]


def test_duplicates_share_a_rank() -> None:
    assert front_ranks([[1, 1], [1, 1], [2, 2], [2, 2], [0, 3]]).tolist() == [0, 0, 1, 1, 0]


def test_the_leaderboards_fronts_have_the_reference_sizes() -> None:
    points = leaderboard()
    assert len(points) == 51
    assert [len(front) for front in fronts(points)] == [8, 11, 9, 7, 5, 4, 4, 2, 1]
    assert front_ranks(points).tolist() == moocore.pareto_rank(points).tolist()


def test_the_leaderboards_hypervolume_is_the_reference_one() -> None:
    points = leaderboard()
    assert hypervolume(points, (200, 0)) == pytest.approx(39043.5159, abs=5e-5)
    assert hypervolume(points, (200, 0)) == pytest.approx(HV(ref_point=np.array([200, 0]))(points))
    assert hypervolume(points, (200, 0)) == pytest.approx(moocore.hypervolume(points, ref=[200, 0]))


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_fronts_equal_pymoos_and_moocores_under_ties(columns: int) -> None:
    @given(grids(columns))
    @settings(max_examples=150, deadline=None)
    def check(rows: list[tuple[float, ...]]) -> None:
        points = np.array(rows)
        theirs: Any = NonDominatedSorting().do(points)
        ours = [sorted(front) for front in fronts(points)]
        assert ours == [sorted(front.tolist()) for front in theirs]
        if columns > 1:
            assert front_ranks(points).tolist() == moocore.pareto_rank(points).tolist()

    check()


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_hypervolume_equals_moocores(columns: int) -> None:
    @given(grids(columns))
    @settings(max_examples=100, deadline=None)
    def check(rows: list[tuple[float, ...]]) -> None:
        reference = [4.5] * columns
        theirs = moocore.hypervolume(np.array(rows), ref=reference)
        assert hypervolume(rows, reference) == pytest.approx(theirs)

    check()


def individuals(rows: list[tuple[float, ...]]) -> list[Any]:
    made: Any = creator
    if not hasattr(creator, "CostMinimum"):
        made.create("CostMinimum", base.Fitness, weights=(-1.0, -1.0))
        made.create("CostPoint", list, fitness=made.CostMinimum)
    found: list[Any] = []
    for row in rows:
        each = made.CostPoint(row)
        each.fitness.values = row
        found.append(each)
    return found


@given(grids(2))
@settings(max_examples=150, deadline=None)
def test_crowding_equals_deaps(rows: list[tuple[float, ...]]) -> None:
    # Ours leaves a column without extent out; DEAP still gives its two ends infinity.
    front = [rows[i] for i in fronts(rows)[0]]
    if any(len({row[column] for row in front}) == 1 for column in range(2)):
        return
    theirs = individuals(front)
    tools.emo.assignCrowdingDist(theirs)
    assert crowding(front).tolist() == pytest.approx([each.fitness.crowding_dist for each in theirs])


def test_a_nan_row_does_not_rank_first() -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(InvalidInput):
            front_ranks([[1, 1], [bad, 0]])
    with pytest.raises(InvalidInput):
        hypervolume([[1, 1]], (1, np.nan))
    with pytest.raises(InvalidInput):
        points_of([1.0, 2.0])  # pyright: ignore[reportArgumentType]


def test_the_hull_leaves_out_whom_a_mixture_beats() -> None:
    points = np.array([(1.0, -0.2), (2.0, -0.3), (3.0, -0.8), (4.0, -0.7), (2.0, -0.5), (1.0, -0.2)])
    assert dominance_frontier(points) == [0, 2, 4, 5]
    # (2, .5) lies on the line from (1, .2) to (3, .8).
    assert hull_frontier(points) == [0, 2, 5]


@given(grids(2))
@settings(max_examples=150, deadline=None)
def test_the_hull_is_part_of_the_frontier_and_nobody_is_below_it(rows: list[tuple[float, ...]]) -> None:
    points = np.array(rows)
    hull = hull_frontier(points)
    assert set(hull) <= set(dominance_frontier(points))
    corners = sorted({tuple(points[i].tolist()) for i in hull})
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    for x, y in rows:
        assert x >= xs[0]
        assert y >= np.interp(x, xs, ys) - 1e-9


def test_sorting_2000_by_3_takes_less_than_half_a_second() -> None:
    points = np.random.default_rng(1).random((2_000, 3))
    assert front_ranks(points).tolist() == moocore.pareto_rank(points).tolist()
    # The best of three: what it can do, not what else the machine was doing.
    took: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        front_ranks(points)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.5
