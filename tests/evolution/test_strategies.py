"""Strategies on simulated agents: what they spend, on whom, and that the same seed plans the same."""

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from evolution.errors import InvalidInput
from evolution.records import Evaluation
from evolution.strategies.base import Contest, Job, Paid, Strategy
from evolution.strategies.halving import SuccessiveHalving
from evolution.strategies.kube import Kube, knapsack_shares
from evolution.strategies.ocba import Ocba, ocba_allocation
from evolution.strategies.sweep import Sweep
from evolution.strategies.thompson import Thompson
from tests.evolution.data import CENT

World = Callable[[Job], tuple[float, int]]


def play(strategy: Strategy, contest: Contest, world: World, seed: int = 5) -> list[Paid]:
    """Carry a plan out; each round must be made of jobs that were never made before."""
    plan = strategy.plan(contest, np.random.default_rng(seed))
    done: list[Paid] = []
    seen: set[Job] = set()
    jobs = next(plan)
    while True:
        paid: list[Paid] = []
        for job in jobs:
            assert job not in seen
            seen.add(job)
            score, cost = world(job)
            paid.append(Paid(Evaluation(job.agent_id, job.task_id, score, cost, trial=job.trial), cost))
        done += paid
        try:
            jobs = plan.send(paid)
        except StopIteration:
            return done


def bernoulli(rates: dict[str, float], costs: dict[str, int]) -> World:
    def world(job: Job) -> tuple[float, int]:
        drawn = np.random.default_rng(
            [ord(each) for each in f"{job.agent_id}{job.task_id}{job.trial}"]
        ).random()
        return float(drawn < rates[job.agent_id]), costs[job.agent_id]

    return world


def spent(done: list[Paid]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in done:
        found[each.evaluation.agent_id] += each.charged_nano
    return found


RATES = {"a": 0.9, "b": 0.6, "c": 0.3, "d": 0.1}
EQUAL = dict.fromkeys(RATES, CENT)
TASKS = [f"t{i}" for i in range(10)]
BUDGETED = [
    SuccessiveHalving(),
    Kube(),
    Kube(batch=4),
    Ocba(round_nano=10 * CENT),
    Thompson(CENT),
    Thompson(CENT, batch=4),
]


@pytest.mark.parametrize("strategy", BUDGETED, ids=lambda each: each.name)
def test_a_plan_is_the_same_for_the_same_seed_and_keeps_near_its_budget(strategy: Strategy) -> None:
    contest = Contest.of(RATES, TASKS, 200 * CENT)
    world = bernoulli(RATES, EQUAL)
    done = play(strategy, contest, world)
    assert done == play(strategy, contest, world)
    total = sum(spent(done).values())
    # A round is planned on what is left: it may pass it by less than its own size. The ledger does not.
    assert 150 * CENT <= total <= 204 * CENT


@pytest.mark.parametrize("strategy", BUDGETED, ids=lambda each: each.name)
def test_the_best_agent_gets_most(strategy: Strategy) -> None:
    done = play(strategy, Contest.of(RATES, TASKS, 400 * CENT), bernoulli(RATES, EQUAL))
    pulls = Counter(each.evaluation.agent_id for each in done)
    best = "ab" if isinstance(strategy, Ocba) else "a"
    assert pulls.most_common(1)[0][0] in best
    assert pulls["a"] > pulls["d"]


def test_a_sweep_is_the_grid_task_by_task() -> None:
    (first, *_), done = Sweep().plan(Contest.of("ba", ["t"]), np.random.default_rng(1)), None
    assert first == [Job("a", "t"), Job("b", "t")]
    assert done is None
    made = play(Sweep(trials=2), Contest.of("ba", TASKS), lambda _: (1.0, 1))
    assert len(made) == 40


def test_halving_shares_money_and_not_pulls() -> None:
    costs = {"a": CENT, "b": 4 * CENT, "c": CENT, "d": 4 * CENT}
    done = play(SuccessiveHalving(), Contest.of(RATES, TASKS, 160 * CENT), bernoulli(RATES, costs))
    money = spent(done)
    # The first of two rungs: 80 for four.
    assert money["c"] == money["d"] == 20 * CENT
    assert sum(1 for each in done if each.evaluation.agent_id == "c") == 20
    assert money["a"] == money["b"] == 60 * CENT
    assert sum(money.values()) == 160 * CENT


def test_kube_fills_the_knapsack_by_density() -> None:
    shares = knapsack_shares(np.array([1.0, 3.0, 2.0]), np.array([1.0, 10.0, 1.5]), 20.0)
    # Densities 1, .3, 1.33: thirteen of the third, then 0.5 is left for nobody.
    assert shares.tolist() == [0, 0, 13]
    assert knapsack_shares(np.array([1.0, 3.0]), np.array([1.0, 2.0]), 5.0).tolist() == [1, 2]


def test_kube_prefers_the_cheap_of_equals() -> None:
    rates, costs = {"a": 0.5, "b": 0.5}, {"a": CENT, "b": 5 * CENT}
    done = play(Kube(), Contest.of(rates, TASKS, 300 * CENT), bernoulli(rates, costs))
    pulls = Counter(each.evaluation.agent_id for each in done)
    assert pulls["a"] > 5 * pulls["b"]


def test_ocba_with_equal_costs_is_chens_allocation() -> None:
    means, sds = np.array([5.0, 4.0, 3.0]), np.array([2.0, 2.0, 1.0])
    found = ocba_allocation(means, sds, np.ones(3), 100.0)
    ratios = np.array([0.0, (2 / 1) ** 2, (1 / 2) ** 2])
    ratios[0] = 2.0 * math.sqrt((ratios[1] / 2.0) ** 2 + (ratios[2] / 1.0) ** 2)
    assert found == pytest.approx(100 * ratios / ratios.sum())


def test_ocba_with_unequal_costs_is_the_condition_of_optimality() -> None:
    means, sds, costs = np.array([5.0, 4.0, 3.5]), np.array([2.0, 1.5, 1.0]), np.array([1.0, 3.0, 9.0])
    found = ocba_allocation(means, sds, costs, 1_000.0)
    assert (found * costs).sum() == pytest.approx(1_000)
    rates = [(sds[i] / (means[0] - means[i])) ** 2 for i in (1, 2)]
    assert found[1] / found[2] == pytest.approx(rates[0] / rates[1])
    balance = sum(costs[i] * found[i] ** 2 / sds[i] ** 2 for i in (1, 2))
    assert costs[0] * found[0] ** 2 / sds[0] ** 2 == pytest.approx(balance)


def test_ocba_of_one_or_of_equals_is_finite() -> None:
    assert ocba_allocation(np.array([1.0]), np.array([0.1]), np.array([2.0]), 10.0).tolist() == [5.0]
    equal = ocba_allocation(np.ones(3), np.ones(3), np.ones(3), 30.0)
    assert np.isfinite(equal).all()
    assert equal.sum() == pytest.approx(30)


def test_thompson_weighs_success_against_money() -> None:
    rates, costs = {"dear": 0.9, "cheap": 0.6}, {"dear": 20 * CENT, "cheap": CENT}
    done = play(Thompson(CENT), Contest.of(rates, TASKS, 300 * CENT), bernoulli(rates, costs))
    pulls = Counter(each.evaluation.agent_id for each in done)
    assert pulls["cheap"] > 10 * pulls["dear"]


def test_what_is_free_ends_all_the_same() -> None:
    free: World = lambda _: (1.0, 0)  # noqa: E731 - a world of one line
    contest = Contest.of("ab", TASKS, CENT)
    assert len(play(SuccessiveHalving(pulls_max=50), contest, free)) == 100
    assert len(play(Kube(rounds_max=30), contest, free)) == 32
    assert len(play(Thompson(CENT, rounds_max=30), contest, free)) == 30
    assert play(Ocba(round_nano=10, rounds_max=30), contest, free)


@pytest.mark.parametrize(
    "strategy", [SuccessiveHalving(), Kube(), Ocba(round_nano=1)], ids=lambda each: each.name
)
def test_who_plans_with_money_needs_a_budget(strategy: Strategy) -> None:
    with pytest.raises(InvalidInput) as error:
        next(strategy.plan(Contest.of("ab", TASKS), np.random.default_rng(1)))
    assert error.value.field == "budget_nano"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sweep(trials=0),
        lambda: SuccessiveHalving(eta=1.0),
        lambda: Kube(batch=0),
        lambda: Ocba(round_nano=1, first=1),
        lambda: Ocba(round_nano=-1),
        lambda: Thompson(0),
        lambda: Contest.of([], ["t"]),
        lambda: Contest.of(["a"], []),
    ],
)
def test_impossible_parameters_are_errors(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        make()
