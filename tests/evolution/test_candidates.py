"""From stored evaluations to candidates and offers, and from there to who goes on."""

import math

import pytest

from evolution.budgeted import select_within
from evolution.candidates import candidates_of, lower_fitness, offers_of
from evolution.errors import InvalidInput
from evolution.lineage import Lineage
from evolution.records import Missing, Normalisation
from evolution.scoring import score
from evolution.selections import select
from evolution.selectors.clade import CladeThompson
from evolution.selectors.lexicase import CostLexicase
from evolution.selectors.registry import SELECTORS, selector_of
from tests.evolution.data import CENT, MAST, experiment, mast, node, run

ROWS = [
    *run("a", (1, CENT), (0, 3 * CENT), (1, 2 * CENT)),
    *run("b", (1, CENT), (1, None)),
    *run("c", (0.5, CENT)),
]


def test_candidates_say_what_is_known() -> None:
    a, b, c = candidates_of(ROWS, experiment())
    assert (a.cost, a.cases, a.effectiveness) == (2 * CENT, (1.0, 0.0, 1.0), pytest.approx(2 / 3))
    assert (b.cost, b.cases) == (None, (1.0, 1.0, 0.0))
    assert c.cases == (0.5, 0.0, 0.0)
    assert (a.successes, a.failures, a.spent) == (None, None, None)


def test_candidates_of_a_lineage_have_their_clades_figures() -> None:
    lineage = Lineage.of([node("r"), node("a", "r"), node("b", "r"), node("c", "a")])
    a, b, _, r = candidates_of(ROWS, experiment(), lineage)
    assert (a.successes, a.failures, a.spent) == (2.5, 1.5, 7 * CENT)
    assert (b.spent, r.spent) == (None, None)
    selection = select(CladeThompson(float(CENT)), [a, b, r], 3, 1)
    assert dict(selection.excluded) == {"b": "UNKNOWN_COST", "r": "UNKNOWN_COST"}


def test_an_offer_is_the_lower_bound_for_the_expected_or_a_dear_future() -> None:
    a, b, c = offers_of(ROWS, experiment(), 4)
    assert a.cost_nano == 8 * CENT
    assert (b.cost_nano, c.cost_nano) == (None, CENT * 4)
    found = {each.agent_id: each for each in score(ROWS, experiment())}
    assert a.value == lower_fitness(found["a"], experiment()) < (found["a"].overall.value or 0)
    dear, _, alone = offers_of(ROWS, experiment(), 4, quantile=0.9)
    assert dear.cost_nano == math.ceil(8 * CENT + 1.2815515655446004 * math.sqrt(4) * CENT)
    assert alone.cost_nano is None
    assert select_within([a, b, c], 8 * CENT, 3).left_out["b"] == "UNKNOWN_COST"


def test_one_evaluation_promises_little() -> None:
    (one,) = score(run("a", (1, CENT)), experiment())
    low = lower_fitness(one, experiment())
    assert one.effectiveness_interval is not None
    assert low == pytest.approx(0.4 * one.effectiveness_interval.low)
    plain = experiment(normalisation=Normalisation.PER_TASK)
    (two,) = score(run("a", (1, CENT), (1, CENT)), plain)
    assert lower_fitness(two, plain) > 0.3 * 0.5
    (nobody,) = score(run("a", (None, None)), experiment(missing=Missing.WITHHELD))
    assert lower_fitness(nobody, experiment()) == 0


@pytest.mark.parametrize("said", [{"ahead": 0}, {"ahead": 1, "quantile": 1.0}, {"ahead": 10**15}])
def test_an_impossible_future_is_an_error(said: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        offers_of(ROWS, experiment(), **said)  # pyright: ignore[reportArgumentType]


def test_the_cap_of_a_clade_reaches_the_budget() -> None:
    offers = offers_of(run("a", (1, 1)) + run("b", (1, 1)), experiment(), 1, clades={"a": "x", "b": "x"})
    assert len(select_within(offers, 100, 2).chosen) == 2
    assert len(select_within(offers, 100, 2, clade_cap=1).chosen) == 1


@pytest.mark.parametrize("name", MAST)
def test_every_selector_selects_from_a_real_run(name: str) -> None:
    nodes, evaluations = mast(name)
    candidates = candidates_of(evaluations, experiment(), Lineage.of(nodes))
    assert len(candidates) == len(nodes)
    for kind in SELECTORS:
        needed = {"clade_thompson": {"c0": float(CENT)}, "within_budget": {"budget_nano": 10**12}}
        selector = selector_of(kind, needed.get(kind))
        selection = select(selector, candidates, 5, 1)
        assert 1 <= len(selection.chosen) <= 5
        assert not selection.excluded
    assert len(select(CostLexicase(), candidates, 5, 1).chosen) == 5
