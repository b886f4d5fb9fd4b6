"""An experiment looked at as a whole: one reading, the same however often, nobody's unknown cost for free."""

from dataclasses import replace

import numpy as np
import pytest

from evolution.analysis import Analysis, FrontierKind, ScoringOptions
from evolution.clades import clade_report
from evolution.columns import CostsBySource, CostSource, Evaluations
from evolution.errors import CycleFound, InvalidInput
from evolution.fitness import Aggregate
from evolution.lineage import Lineage
from evolution.records import AgentNode, Evaluation, Experiment, Normalisation, Operator, Role
from evolution.scoring import freeze, score
from evolution.selectors.base import Candidate, choose
from evolution.selectors.within import WithinBudget
from tests.evolution.data import MAST, mast

CENT = 10_000_000
NODES = [
    AgentNode("root"),
    AgentNode("left", ("root",), 1, Operator.MUTATION),
    AgentNode("right", ("root",), 1, Operator.MUTATION),
    AgentNode("child", ("right", "left"), 2, Operator.CROSSOVER),
]
ROWS = [
    Evaluation(agent, f"t{task}", float(value), cost * CENT, 1.0, 1_000)
    for agent, values, cost in (
        ("root", (1, 0), 4),
        ("left", (1, 0), 2),
        ("right", (1, 1), 3),
        ("child", (1, 1), 1),
    )
    for task, value in enumerate(values)
]
EXPERIMENT = Experiment("e")


def test_references_are_those_of_generation_0_until_they_are_declared() -> None:
    found = Analysis(EXPERIMENT, NODES, ROWS)
    assert found.experiment == freeze(EXPERIMENT, ROWS, ["root"])
    assert found.experiment.c0_nano == 8 * CENT
    declared = Analysis(replace(EXPERIMENT, c0_nano=5), NODES, ROWS)
    assert declared.experiment.c0_nano == 5
    assert found.comparable
    assert declared.comparable


def test_fitness_is_what_scoring_says() -> None:
    found = Analysis(EXPERIMENT, NODES, ROWS)
    assert list(found.fitness().values()) == score(ROWS, found.experiment)
    options = ScoringOptions((("effectiveness", 1.0),), Aggregate.GEOMETRIC, Normalisation.LOG)
    assert list(found.fitness(options).values()) == score(ROWS, options.applied(found.experiment))
    with pytest.raises(InvalidInput):
        found.fitness(ScoringOptions((("luck", 1.0),)))


def test_without_a_priced_founder_no_cost_efficiency_is_known() -> None:
    rows = [replace(each, cost_nano=None) if each.agent_id == "root" else each for each in ROWS]
    found = Analysis(EXPERIMENT, NODES, rows)
    assert not found.comparable
    assert {each.dimensions.cost_efficiency for each in found.fitness().values()} == {None}
    assert found.fitness()["child"].dimensions.effectiveness == 1.0
    assert {each.cost_efficiency for each in found.clades.clades} == {None}
    # What was spent is known all the same.
    assert found.clades.of("child").cost_nano == 2 * CENT
    assert [each.cost_nano for each in found.generations] == [0, 10 * CENT, 2 * CENT]
    assert [each.agent_id for each in found.frontier(FrontierKind.DOMINANCE)] == ["child"]


def test_generations_add_up_to_the_tree() -> None:
    rows = [
        *ROWS,
        Evaluation("child", "build", None, 7, role=Role.BUILD),
        Evaluation("left", "t2", None, None),
    ]
    found = Analysis(EXPERIMENT, NODES, rows)
    assert sum(each.cost_nano for each in found.generations) == found.clades.tree_cost_nano
    assert [(each.evaluations, each.failed, each.unknown_costs) for each in found.generations] == [
        (2, 0, 0),
        (5, 1, 1),
        (3, 0, 0),
    ]
    price = found.generations[0].price
    assert price is not None
    assert price.change == pytest.approx(price.selection + price.transmission, abs=1e-12)


def test_discovery_counts_every_ancestor_once_and_tells_what_it_does_not_know() -> None:
    rows = [*ROWS, Evaluation("left", "t2", 0.0, None)]
    found = Analysis(EXPERIMENT, NODES, rows).discovery()
    assert found is not None
    assert (found.agent_id, found.cost_nano, found.tree_cost_nano) == ("child", 20 * CENT, 20 * CENT)
    assert found.unknown_costs == 1


def test_the_hull_holds_no_more_than_the_dominance_frontier() -> None:
    nodes = [AgentNode(name) for name in "abc"]
    rows = [
        Evaluation("a", "t", 0.2, 10),
        Evaluation("b", "t", 0.5, 60),
        Evaluation("c", "t", 1.0, 100),
    ]
    found = Analysis(replace(EXPERIMENT, c0_nano=50), nodes, rows)
    assert [each.agent_id for each in found.frontier(FrontierKind.DOMINANCE)] == ["a", "b", "c"]
    assert [each.agent_id for each in found.frontier(FrontierKind.HULL)] == ["a", "c"]


def test_an_empty_experiment_has_nothing_to_say() -> None:
    found = Analysis(EXPERIMENT, [], [])
    assert (found.generations, found.discovery(), dict(found.fitness())) == ([], None, {})
    assert found.frontier(FrontierKind.HULL) == []


def test_a_lineage_that_goes_round_is_refused() -> None:
    with pytest.raises(CycleFound):
        Analysis(EXPERIMENT, [AgentNode("a", ("b",)), AgentNode("b", ("a",))], [])


@pytest.mark.parametrize("name", MAST)
def test_a_real_run_reads_the_same_every_time(name: str) -> None:
    nodes, evaluations = mast(name)
    found, again = (Analysis(EXPERIMENT, rows, evaluations) for rows in (nodes, nodes[::-1]))
    assert found.generations == again.generations == found.generations
    assert found.clades == again.clades == clade_report(Lineage.of(nodes), evaluations, found.experiment)
    assert found.discovery() == again.discovery()


def columns(*claims: tuple[str, ...]) -> Evaluations:
    size = len(claims)
    return Evaluations(
        [f"v{i}" for i in range(size)],
        ["a"] * size,
        ["t"] * size,
        ["evaluate"] * size,
        np.array([-1.0, *[0.5] * (size - 1)]),
        np.full(size, -1.0),
        np.full(size, -1, dtype=np.int64),
        np.array([5] * (size - 1) + [-1], dtype=np.int64),
        [i == 1 for i in range(size)],
        list(claims),
    )


def test_columns_become_records_and_minus_one_is_unknown() -> None:
    found = columns(("x",), (), ("y",))
    rows = list(found.records())
    assert [(each.score, each.cost_nano, each.trial) for each in rows] == [
        (None, 5, 0),
        (0.5, 5, 1),
        (0.5, None, 2),
    ]
    assert rows[0].seconds is None
    assert rows[0].tokens is None
    assert [found.source(i) for i in range(3)] == [
        CostSource.MEASURED,
        CostSource.IMPORTED,
        CostSource.UNKNOWN,
    ]
    assert found.by_source == CostsBySource(5, 1, 5, 1, 1)


def test_what_two_claim_is_nobodys() -> None:
    found = columns(("x", "y"), (), ("y",), ("z",)).without_shared()
    assert found.costs_nano.tolist() == [-1, 5, -1, -1]
    assert columns(("x",), (), ("y",)).without_shared().costs_nano.tolist() == [5, 5, -1]


def test_pages_put_together_are_the_whole() -> None:
    one, other = columns(("x",), ()), columns(("y",))
    whole = Evaluations.of([one, other])
    assert len(whole) == 3
    assert whole.costs_nano.tolist() == one.costs_nano.tolist() + other.costs_nano.tolist()
    assert len(Evaluations.of([])) == 0


def test_a_budget_selects_as_an_exact_search_does() -> None:
    rows = [
        Candidate(f"a{i}", value, cost=cost) for i, (value, cost) in enumerate([(1, 1), (10, 11), (3, 3)])
    ]
    rng = np.random.default_rng(1)
    assert choose(WithinBudget(11), rows, 3, rng) == ["a1"]
    assert choose(WithinBudget(11, ("a0",)), rows, 3, rng) == ["a0", "a2"]
    # Nobody is paid for twice.
    assert choose(WithinBudget(11), rows, 3, rng, replace=True) == ["a1"]
    assert choose(WithinBudget(100), [*rows, Candidate("b", 9.0)], 5, rng) == ["a0", "a1", "a2"]
    with pytest.raises(InvalidInput):
        choose(WithinBudget(5, ("a1",)), rows, 3, rng)
