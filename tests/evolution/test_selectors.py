"""Selectors: exact distributions, seeds, order, the door. Selections: made again from what is stored."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from evolution.codec import from_json, to_json
from evolution.errors import Conflict, InvalidInput
from evolution.selections import Selection, replay, select
from evolution.selectors.base import Candidate, Selector, choose, picked, pool_of
from evolution.selectors.clade import CladeThompson, sampled_cost_efficiency, should_expand
from evolution.selectors.grid import EliteGrid
from evolution.selectors.lexicase import CostLexicase, Lexicase
from evolution.selectors.nsga2 import Nsga2
from evolution.selectors.rank import LinearRank
from evolution.selectors.registry import SELECTORS, selector_of
from evolution.selectors.roulette import Roulette
from evolution.selectors.softmax import Softmax
from evolution.selectors.sus import UniversalSampling
from evolution.selectors.tournament import Tournament
from evolution.selectors.truncation import Truncation

NEEDED = {"clade_thompson": {"c0": 10.0}, "within_budget": {"budget_nano": 2**40}}
ALL = [selector_of(name, NEEDED.get(name)) for name in SELECTORS]
by_name = pytest.mark.parametrize("selector", ALL, ids=lambda each: each.name)

values = st.floats(0, 1, width=32)
candidates = st.lists(
    st.builds(
        Candidate,
        agent_id=st.text("abcdef", min_size=1, max_size=4),
        fitness=values,
        effectiveness=values,
        cost=st.none() | st.floats(0, 2.0**40, width=32),
        cases=st.tuples(values, values, values),
        successes=st.floats(0, 9, width=32),
        failures=st.floats(0, 9, width=32),
        spent=st.none() | st.floats(0, 2.0**40, width=32),
    ),
    max_size=12,
    unique_by=lambda each: each.agent_id,
)


def pool(*fitness: float) -> list[Candidate]:
    return [Candidate(f"a{i}", value) for i, value in enumerate(fitness)]


def frequencies(selector: Selector, rows: list[Candidate], draws: int = 20_000) -> list[int]:
    """How often each row, by id, is drawn."""
    found = Counter(choose(selector, rows, draws, np.random.default_rng(11), replace=True))
    return [found[each.agent_id] for each in sorted(rows, key=lambda each: each.agent_id)]


def assert_distribution(
    selector: Selector, rows: list[Candidate], expected: list[float], draws: int = 20_000
) -> None:
    found = frequencies(selector, rows, draws)
    assert sum(count for count, chance in zip(found, expected, strict=True) if not chance) == 0
    drawn = [(count, draws * chance) for count, chance in zip(found, expected, strict=True) if chance]
    assert chisquare([count for count, _ in drawn], [chance for _, chance in drawn]).pvalue > 1e-3


@by_name
@given(
    rows=candidates, k=st.integers(0, 15), seed=st.integers(0, 2**40), replace_=st.booleans(), data=st.data()
)
@settings(max_examples=40, deadline=None)
def test_a_selection_depends_on_seed_and_candidates_and_not_on_their_order(
    selector: Selector, rows: list[Candidate], k: int, seed: int, replace_: bool, data: st.DataObject
) -> None:
    selection = select(selector, rows, k, seed, replace=replace_)
    assert select(selector, data.draw(st.permutations(rows)), k, seed, replace=replace_) == selection
    assert replay(from_json(Selection, to_json(selection))) == selection
    able = {each.agent_id for each in rows if all(getattr(each, name) is not None for name in selector.needs)}
    assert set(selection.chosen) <= able
    assert set(selection.excluded) == {each.agent_id for each in rows} - able
    assert len(selection.chosen) <= k
    if not replace_:
        assert len(set(selection.chosen)) == len(selection.chosen)
    elif able and selector.name != "within_budget":
        assert len(selection.chosen) == k


@by_name
def test_nan_and_infinity_are_refused_at_the_door(selector: Selector) -> None:
    good = Candidate("a", 0.5, 0.5, 1.0, (0.5,), 1.0, 1.0, 1.0)
    for bad in (math.nan, math.inf):
        row = replace(
            good, agent_id="b", **{selector.needs[0]: (bad,) if selector.needs[0] == "cases" else bad}
        )
        with pytest.raises(InvalidInput) as error:
            choose(selector, [good, row], 1, np.random.default_rng(1))
        assert error.value.field == selector.needs[0]


@by_name
def test_the_pool_cannot_be_written_to(selector: Selector) -> None:
    rows = [Candidate(f"a{i}", 0.5, 0.5, 1.0, (0.5, 1.0), 1.0, 1.0, 1.0) for i in range(4)]
    checked = pool_of(rows, selector.needs)
    before = {name: column.copy() for name, column in checked.columns.items()}
    picked(selector, checked, 4, np.random.default_rng(1), replace=False)
    for name, column in checked.columns.items():
        assert not column.flags.writeable
        assert (column == before[name]).all()


def test_candidates_come_once_and_k_is_possible() -> None:
    with pytest.raises(InvalidInput):
        choose(Truncation(), [*pool(1.0), *pool(1.0)], 1, np.random.default_rng(1))
    with pytest.raises(InvalidInput):
        choose(Truncation(), pool(1.0), -1, np.random.default_rng(1))
    with pytest.raises(InvalidInput):
        select(Truncation(), pool(1.0), 1, -1)
    rows = [Candidate("a", cases=(1.0,)), Candidate("b", cases=(1.0, 0.0))]
    with pytest.raises(InvalidInput):
        choose(Lexicase(), rows, 1, np.random.default_rng(1))


def test_ties_fall_by_id() -> None:
    assert choose(Truncation(), pool(1.0, 1.0, 1.0), 2, np.random.default_rng(1)) == ["a0", "a1"]
    rows = [Candidate(name, effectiveness=0.5, cost=1.0) for name in "cab"]
    assert choose(Nsga2(), rows, 3, np.random.default_rng(1))[0] == "a"


def test_a_tournament_wins_as_often_as_it_should() -> None:
    n, size = 5, 3
    expected = [((n - i) ** size - (n - i - 1) ** size) / n**size for i in range(n)]
    assert_distribution(Tournament(size), pool(5, 4, 3, 2, 1), expected)


def test_linear_rank_falls_evenly() -> None:
    assert_distribution(LinearRank(1.5), pool(0.9, 0.5, 0.1), [1.5 / 3, 1 / 3, 0.5 / 3])
    assert_distribution(LinearRank(2.0), pool(0.9, 0.5, 0.1), [2 / 3, 1 / 3, 0])


def test_roulette_is_proportional_and_uniform_where_all_are_0() -> None:
    assert_distribution(Roulette(), pool(1, 2, 0, 5), [1 / 8, 2 / 8, 0, 5 / 8])
    assert_distribution(Roulette(), pool(0, 0, 0), [1 / 3] * 3)
    with pytest.raises(InvalidInput):
        choose(Roulette(), pool(1, -1), 1, np.random.default_rng(1))


def test_roulette_without_replacement_fills_up_with_those_of_weight_0() -> None:
    assert set(choose(Roulette(), pool(0, 3, 0), 3, np.random.default_rng(1))) == {"a0", "a1", "a2"}


def test_softmax_is_exponential_and_does_not_overflow() -> None:
    weights = np.exp(np.array([1.0, 0.5, 0.0]) / 0.5)
    assert_distribution(Softmax(0.5), pool(1.0, 0.5, 0.0), (weights / weights.sum()).tolist())
    assert choose(Softmax(1e-300), pool(1e300, 0.5), 1, np.random.default_rng(1)) == ["a0"]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=10), st.integers(1, 20), st.integers(0, 99))
@settings(deadline=None)
def test_sus_rounds_everybodys_expectation_down_or_up(fitness: list[float], k: int, seed: int) -> None:
    found = Counter(choose(UniversalSampling(), pool(*fitness), k, np.random.default_rng(seed), replace=True))
    total = math.fsum(fitness)
    for i, value in enumerate(fitness):
        expected = k * value / total if total else k / len(fitness)
        assert math.floor(expected - 1e-6) <= found[f"a{i}"] <= math.ceil(expected + 1e-6)


def test_sus_is_proportional_over_many_spins() -> None:
    found: Counter[str] = Counter()
    for seed in range(4_000):
        found.update(choose(UniversalSampling(), pool(1, 2, 5), 1, np.random.default_rng(seed)))
    counts = [found[f"a{i}"] for i in range(3)]
    assert chisquare(counts, [500, 1000, 2500]).pvalue > 1e-3


def exact_lexicase(cases: list[tuple[float, ...]], epsilon: float | None) -> list[float]:
    """By every order of the cases, written anew."""
    chance = [0.0] * len(cases)
    orders = list(itertools.permutations(range(len(cases[0]))))
    for order in orders:
        inside = list(range(len(cases)))
        for case in order:
            scores = [cases[i][case] for i in inside]
            middle = float(np.median(scores))
            width = (
                float(np.median([abs(score - middle) for score in scores])) if epsilon is None else epsilon
            )
            inside = [i for i in inside if cases[i][case] >= max(scores) - width]
        chance[min(inside)] += 1 / len(orders)
    return chance


@pytest.mark.parametrize("epsilon", [None, 0.0, 0.2])
def test_lexicase_equals_the_enumeration_of_all_orders(epsilon: float | None) -> None:
    cases = [(1.0, 0.0, 0.3), (0.9, 0.6, 0.0), (0.0, 1.0, 0.5), (0.5, 0.5, 0.5), (0.2, 0.1, 1.0)]
    rows = [Candidate(f"a{i}", cases=each) for i, each in enumerate(cases)]
    assert_distribution(Lexicase(epsilon), rows, exact_lexicase(cases, epsilon), draws=5_000)


def test_cost_is_a_case() -> None:
    rows = [Candidate("dear", cases=(1.0,), cost=9.0), Candidate("cheap", cases=(0.0,), cost=1.0)]
    assert_distribution(CostLexicase(0.0), rows, [0.5, 0.5], draws=2_000)
    assert choose(Lexicase(0.0), rows, 5, np.random.default_rng(1), replace=True) == ["dear"] * 5


def test_unknown_cost_is_excluded_with_a_reason() -> None:
    rows = [Candidate("a", effectiveness=1.0), Candidate("b", effectiveness=0.1, cost=5.0)]
    selection = select(Nsga2(), rows, 2, 1)
    assert (selection.chosen, dict(selection.excluded)) == (("b",), {"a": "UNKNOWN_COST"})


def test_the_grid_keeps_the_fittest_of_each_cell() -> None:
    grid = EliteGrid(cost_edges=(10.0, 100.0), effectiveness_edges=(0.5,))
    rows = [
        Candidate("a", 0.1, 0.4, 0.0),
        Candidate("b", 0.9, 0.4, 9.0),
        Candidate("c", 0.5, 0.5, 10.0),
        Candidate("d", 0.5, 0.9, 99.0),
        Candidate("e", 0.0, 0.0, 1e9),
    ]
    checked = pool_of(rows, grid.needs)
    assert {cell: checked.ids[row] for cell, row in grid.elites(checked).items()} == {
        (0, 0): "b",
        (1, 1): "c",
        (2, 0): "e",
    }
    assert set(choose(grid, rows, 9, np.random.default_rng(1))) == {"b", "c", "e"}


def test_clade_thompson_prefers_success_for_money_and_gives_zero_scores_a_chance() -> None:
    rows = [
        Candidate("good", successes=30.0, failures=10.0, spent=400.0),
        Candidate("dear", successes=30.0, failures=10.0, spent=40_000.0),
        Candidate("zero", successes=0.0, failures=3.0, spent=30.0),
    ]
    # By id: dear, good, zero.
    dear, good, zero = frequencies(CladeThompson(10.0), rows)
    assert good > 15_000
    assert dear < 200
    assert zero > 0


def test_a_zero_score_base_can_expand() -> None:
    assert should_expand(1, 1)
    assert not should_expand(1, 2)
    assert should_expand(4, 2, alpha=0.5)
    with pytest.raises(InvalidInput):
        should_expand(1, 1, alpha=0.0)


def test_truncation_to_a_fraction_draws_from_the_best_part() -> None:
    assert_distribution(Truncation(0.5), pool(4, 3, 2, 1), [0.5, 0.5, 0, 0])
    assert choose(Truncation(0.5), pool(4, 3, 2, 1), 4, np.random.default_rng(1)) in (
        ["a0", "a1"],
        ["a1", "a0"],
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("tournament", {"size": 0}),
        ("linear_rank", {"pressure": 2.1}),
        ("truncation", {"fraction": 0}),
        ("softmax", {"temperature": 0}),
        ("lexicase", {"epsilon": -1}),
        ("cost_lexicase", {"epsilon": -1}),
        ("map_elites", {"cost_edges": [0.0]}),
        ("map_elites", {"effectiveness_edges": [0.5, 0.5]}),
        ("clade_thompson", {"c0": 0}),
        ("clade_thompson", {}),
        ("roulette", {"size": 3}),
        ("best", {}),
    ],
)
def test_impossible_parameters_are_errors(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as error:
        selector_of(name, parameters)
    assert error.value.code == "INVALID"


def test_a_tampered_selection_is_not_reproduced() -> None:
    selection = select(Tournament(), pool(1, 2, 3), 2, 7)
    with pytest.raises(Conflict):
        replay(replace(selection, chosen=("a0", "a1") if selection.chosen != ("a0", "a1") else ("a1", "a0")))


def test_the_cost_that_clade_thompson_draws_has_the_posteriors_mean() -> None:
    ones = np.ones(40_000)
    # So many successes that θ is 1: then cost efficiency is 1/(1 + κ/c0).
    value = sampled_cost_efficiency(1e9 * ones, 0 * ones, 5e9 * ones, 10.0, np.random.default_rng(1))
    assert (10.0 * (1 / value - 1)).mean() == pytest.approx(5.0, rel=1e-3)
    few = sampled_cost_efficiency(20 * ones, 0 * ones, 190 * ones, 10.0, np.random.default_rng(2))
    # θ ~ Beta(21, 1) has E[1/θ] = 21/20; κ ~ InvGamma(21, 200) has mean 10: independent factors.
    assert (10.0 * (1 / few - 1)).mean() == pytest.approx(10.0 * 21 / 20, rel=0.02)
