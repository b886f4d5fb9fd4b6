"""Scores from evaluations: denominators, unknown costs, intervals, what must not change them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.errors import Conflict, InvalidInput
from evolution.intervals import wilson
from evolution.records import (
    EfficiencyBy,
    Evaluation,
    Experiment,
    Missing,
    Normalisation,
    Role,
    UnknownCost,
)
from evolution.scoring import AgentFitness, freeze, score
from evolution.stability import rank_stability
from tests.evolution.data import CENT, aider, experiment, run


def only(evaluations: Sequence[Evaluation], **said: object) -> AgentFitness:
    (found,) = score(evaluations, experiment(**said))
    return found


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0, 0.277533),
        (1, 10, 0.017876, 0.404150),
        (5, 10, 0.236593, 0.763407),
        (17, 30, 0.391973, 0.726225),
    ],
)
def test_wilson_intervals_are_the_reference_ones(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-6)


def test_cost_efficiency_is_half_at_the_reference_and_two_thirds_at_half_of_it() -> None:
    assert only(run("a", (1, CENT))).dimensions.cost_efficiency == pytest.approx(0.5)
    assert only(run("a", (1, CENT // 2))).dimensions.cost_efficiency == pytest.approx(2 / 3)


def test_failures_cost_too() -> None:
    found = only(run("a", (1, CENT), (0, CENT), (0, 2 * CENT)))
    assert found.cost_of_pass == 4 * CENT
    assert found.cost_nano == 4 * CENT
    assert found.dimensions.effectiveness == pytest.approx(1 / 3)
    assert found.dimensions.cost_efficiency == pytest.approx(0.2)


def test_no_success_is_cost_efficiency_0_with_a_smoothed_cost_of_pass() -> None:
    found = only(run("a", (0, CENT), (0, CENT), (0, CENT)))
    assert found.dimensions.cost_efficiency == 0
    assert found.cost_of_pass is None
    assert found.smoothed_cost_of_pass == pytest.approx(CENT * 4 / 0.5)
    assert found.cost_efficiency_interval is not None
    assert found.cost_efficiency_interval.low == 0 < found.cost_efficiency_interval.high


def test_one_evaluation_has_no_interval_of_cost() -> None:
    found = only(run("a", (1, CENT)))
    assert found.cost_of_pass_interval is None
    assert found.cost_efficiency_interval is None
    assert found.effectiveness_interval is not None


def test_the_delta_method_is_the_formula() -> None:
    scores, costs = [1, 0, 1, 1, 0], [3 * CENT, CENT, 2 * CENT, 5 * CENT, CENT]
    found = only(run("a", *zip(scores, costs, strict=True)))
    n, mean, rate = 5, np.mean(costs), 3.5 / 6
    sd = math.sqrt(
        np.var(costs, ddof=1) / (n * mean**2)
        + (1 - rate) / (n * rate)
        - 2 * np.cov(costs, scores)[0, 1] / (n * mean * rate)
    )
    assert found.cost_of_pass_interval == pytest.approx(
        (mean / rate * math.exp(-1.959964 * sd), mean / rate * math.exp(1.959964 * sd)), rel=1e-6
    )


def test_an_unknown_cost_is_not_free() -> None:
    found = only(run("a", (1, CENT), (1, None)))
    assert found.dimensions.cost_efficiency is None
    assert found.unknown_costs == 1
    assert found.incomplete
    assert found.overall.missing == ("cost_efficiency",)
    free = only(run("b", (1, 0)))
    assert (free.dimensions.cost_efficiency, free.incomplete) == (1.0, False)


def test_priced_only_counts_successes_and_costs_of_the_same_evaluations() -> None:
    found = only(run("a", (1, CENT), (1, None), (0, CENT)), unknown_cost=UnknownCost.PRICED_ONLY)
    assert found.cost_of_pass == 2 * CENT
    assert found.dimensions.effectiveness == pytest.approx(2 / 3)
    assert found.incomplete


def test_a_crashed_run_does_not_look_cheap() -> None:
    tasks = tuple(f"t{i}" for i in range(10))
    whole = only(run("a", *[(1, CENT)] * 5, *[(0, CENT)] * 5), tasks=tasks)
    crashed = only(run("a", *[(1, CENT)] * 5), tasks=tasks)
    assert crashed.dimensions == whole.dimensions
    assert (crashed.missing, crashed.incomplete) == (5, True)
    assert crashed.cost_nano == 5 * CENT


def test_what_is_missing_can_be_left_out_or_withhold_everything() -> None:
    rows = run("a", (1, CENT), (None, CENT))
    attempted = only(rows, tasks=("t0", "t1", "t2"), missing=Missing.ATTEMPTED)
    assert (attempted.dimensions.effectiveness, attempted.trials, attempted.missing) == (1.0, 1, 2)
    withheld = only(rows, tasks=("t0", "t1"), missing=Missing.WITHHELD)
    assert withheld.dimensions.effectiveness is None
    assert withheld.overall.value is None
    failed = only(rows, tasks=("t0", "t1"))
    assert (failed.dimensions.effectiveness, failed.cost_of_pass) == (0.5, 2 * CENT)


def test_building_is_not_evaluating() -> None:
    built = run("a", (None, 100 * CENT), role=Role.BUILD)
    assert only([*run("a", (1, CENT)), *built]) == only(run("a", (1, CENT)))


def test_agents_that_were_never_evaluated_have_no_fitness() -> None:
    found = score(run("a", (1, CENT)), experiment(missing=Missing.WITHHELD), ["b"])
    assert [(each.agent_id, each.overall.value is None) for each in found] == [("a", False), ("b", True)]


def test_efficiency_counts_seconds_or_tokens_per_success() -> None:
    rows = run("a", (1, CENT), (0, CENT))
    assert only(rows).dimensions.efficiency == pytest.approx(0.5)
    by_tokens = only(rows, efficiency_by=EfficiencyBy.TOKENS, reference_tokens=600.0)
    assert by_tokens.dimensions.efficiency == pytest.approx(0.75)
    assert only(rows, efficiency_by=EfficiencyBy.TOKENS).overall.missing == ("efficiency",)


def test_the_same_evaluation_twice_counts_once_and_two_contents_conflict() -> None:
    rows = run("a", (1, CENT), (0, CENT))
    assert score(rows + rows, experiment()) == score(rows, experiment())
    with pytest.raises(Conflict):
        score([*rows, replace(rows[0], score=0.5)], experiment())


def test_c0_is_the_median_of_generation_0_and_then_frozen() -> None:
    rows = [
        *run("a", (1, CENT)),
        *run("b", (1, 3 * CENT)),
        *run("c", (1, 8 * CENT)),
        *run("d", (1, 99 * CENT)),
    ]
    frozen = freeze(Experiment("x"), rows, ["a", "b", "c"])
    assert frozen.c0_nano == 3 * CENT
    assert frozen.reference_seconds == 2.0
    assert freeze(frozen, rows, ["d"]) == frozen


def test_without_a_reference_there_is_no_score() -> None:
    with pytest.raises(InvalidInput) as error:
        score(run("a", (1, CENT)), Experiment("x"))
    assert error.value.field == "c0_nano"
    with pytest.raises(InvalidInput):
        freeze(Experiment("x"), run("a", (1, None)), ["a"])


def test_log_is_linear_in_decades() -> None:
    costs = [CENT // 1000, CENT // 10, CENT, 10 * CENT, 1000 * CENT]
    found = [only(run("a", (1, each)), normalisation=Normalisation.LOG) for each in costs]
    assert [each.dimensions.cost_efficiency for each in found] == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_frontier_compares_with_the_cheapest_at_least_as_effective() -> None:
    rows = [
        *run("best", (1, 4 * CENT), (1, 4 * CENT)),
        *run("cheap", (1, CENT), (0, CENT)),
        *run("dear", (1, 5 * CENT), (0, 5 * CENT)),
        *run("none", (0, CENT), (0, CENT)),
    ]
    found = score(rows, experiment(normalisation=Normalisation.FRONTIER))
    assert [each.dimensions.cost_efficiency for each in found] == pytest.approx([1, 1, 0.2, 0])


def test_per_task_holds_each_task_against_its_own_reference() -> None:
    rows = run("a", (1, CENT), (1, 9 * CENT))
    found = only(rows, normalisation=Normalisation.PER_TASK, task_c0_nano={"t0": CENT, "t1": 9 * CENT})
    assert found.dimensions.cost_efficiency == pytest.approx(0.5)
    fallback = only(rows, normalisation=Normalisation.PER_TASK)
    assert fallback.dimensions.cost_efficiency == pytest.approx((0.5 + 0.1) / 2)


results = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 1 / 3, 0.7, 1.0, None]), st.none() | st.integers(1, 10**12)),
    min_size=1,
    max_size=6,
)


@given(st.lists(results, min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_neither_order_nor_other_agents_nor_the_unit_of_money_change_a_score(
    agents: list[list[tuple[float | None, int | None]]], random: np.random.Generator
) -> None:
    rows = [row for i, each in enumerate(agents) for row in run(f"a{i}", *each)]
    tasks = tuple(f"t{i}" for i in range(6))
    for way in Normalisation:
        plain = experiment(tasks=tasks, normalisation=way)
        found = score(rows, plain)
        mixed = list(rows)
        random.shuffle(mixed)  # pyright: ignore[reportArgumentType] - hypothesis' Random shuffles lists
        assert score(mixed, plain) == found
        dear = [replace(r, cost_nano=None if r.cost_nano is None else 100 * r.cost_nano) for r in rows]
        scaled = score(dear, replace(plain, c0_nano=100 * CENT))
        for one, other in zip(found, scaled, strict=True):
            assert one.dimensions.cost_efficiency == pytest.approx(
                other.dimensions.cost_efficiency, abs=1e-12
            )
        if way is not Normalisation.FRONTIER:
            assert score([r for r in rows if r.agent_id != "a0"], plain) == found[1:]


@given(results)
@settings(max_examples=100, deadline=None)
def test_every_interval_holds_its_value(each: list[tuple[float | None, int | None]]) -> None:
    found = only(run("a", *each), unknown_cost=UnknownCost.PRICED_ONLY)
    for value, interval in (
        (found.dimensions.effectiveness, found.effectiveness_interval),
        (found.dimensions.efficiency, found.efficiency_interval),
        (found.dimensions.cost_efficiency, found.cost_efficiency_interval),
    ):
        if interval is not None:
            assert value is not None
            assert 0 <= interval.low <= value <= interval.high <= 1


@pytest.mark.parametrize(("n", "rate"), [(12, 0.5), (30, 0.3), (30, 0.8), (100, 0.5)])
def test_the_interval_of_cost_of_pass_covers_what_it_claims(n: int, rate: float) -> None:
    rng = np.random.default_rng(n)
    repeats, covered = 1_000, 0
    plain = experiment()
    for _ in range(repeats):
        wins = rng.random(n) < rate
        # Successes are cheaper than failures, as they are in life.
        costs = rng.lognormal(np.where(wins, 0.0, 0.5), 0.6) * CENT
        rows = [
            Evaluation("a", f"t{i}", float(w), int(c))
            for i, (w, c) in enumerate(zip(wins, costs, strict=True))
        ]
        interval = score(rows, plain)[0].cost_of_pass_interval
        assert interval is not None
        mean = CENT * math.exp(0.18) * (rate + (1 - rate) * math.exp(0.5))
        covered += interval.low <= mean / rate <= interval.high
    assert 0.88 <= covered / repeats <= 0.98


def test_the_leaderboards_unknown_costs_stay_unknown() -> None:
    rows = aider()
    assert (len(rows), sum(cost is None for _, cost, _, _ in rows)) == (69, 18)
    evaluations = [
        Evaluation(name, f"t{i}", float(i < passes), None if cost is None else round(cost * 1e9 / tests))
        for name, cost, passes, tests in rows
        for i in range(tests)
    ]
    frozen = freeze(Experiment("aider", missing=Missing.ATTEMPTED), evaluations, [name for name, *_ in rows])
    found = score(evaluations, frozen)
    assert sum(each.dimensions.cost_efficiency is None for each in found) == 18
    assert all(each.incomplete for each in found if each.dimensions.cost_efficiency is None)
    known = {name: (cost, passes) for name, cost, passes, _ in rows if cost is not None}
    for each in found:
        if each.agent_id in known:
            cost, passes = known[each.agent_id]
            assert each.cost_of_pass == pytest.approx(cost * 1e9 / passes, rel=1e-6)
    stable = rank_stability(evaluations, frozen)
    assert len(stable.pairs) == 6
    assert stable.weakest.tau is not None
    assert 0 < stable.weakest.tau < 1


def test_rank_stability_is_1_where_nothing_but_money_differs() -> None:
    rows = [row for i in range(1, 6) for row in run(f"a{i}", (1, i * CENT), (1, i * CENT))]
    stable = rank_stability(rows, experiment(), top=2)
    assert (stable.agents, stable.top) == (5, 2)
    assert all(pair.tau == pytest.approx(1) and pair.top_overlap == 1 for pair in stable.pairs)
    lone = rank_stability(run("a", (1, CENT)), experiment())
    assert lone.weakest.tau is None


@pytest.mark.parametrize(
    "said",
    [
        {"score": math.nan},
        {"score": 1.1},
        {"cost_nano": -1},
        {"cost_nano": 2**63},
        {"seconds": math.inf},
        {"tokens": -1},
        {"agent_id": ""},
        {"task_id": "x" * 257},
    ],
)
def test_impossible_evaluations_are_refused_at_the_door(said: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as error:
        Evaluation(**{"agent_id": "a", "task_id": "t", "score": 1.0, "cost_nano": 1, **said})  # pyright: ignore[reportArgumentType]
    assert error.value.field in said


def test_efficiency_rises_as_money_falls() -> None:
    found = [only(run("a", (1, cost))).dimensions.cost_efficiency or 0 for cost in (1, CENT, 10 * CENT)]
    assert all(a > b for a, b in pairwise(found))
