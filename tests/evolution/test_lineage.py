"""Lineages: validation, clades once, cost to discover, path attribution, Price equation, diversity."""

import math
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import phylotrackpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.clades import clade_report, family_sums
from evolution.diversity import diversity
from evolution.errors import Conflict, CycleFound, InvalidInput, SumOutOfRange, UnknownAgent
from evolution.lineage import Lineage
from evolution.paths import levels, path_attribution
from evolution.price import price_by_generation, price_terms
from evolution.records import AgentNode, Evaluation, Role
from evolution.totals import totals_of
from tests.evolution.data import CENT, MAST, experiment, mast, node, run


@st.composite
def lineages(draw: st.DrawFn) -> list[AgentNode]:
    """Up to 14 agents, each with up to 3 parents among those before it, in any order."""
    size = draw(st.integers(1, 14))
    nodes = [
        node(
            f"a{i:02}",
            *sorted(draw(st.sets(st.sampled_from([f"a{j:02}" for j in range(i)]), max_size=3)) if i else ()),
            generation=i // 3,
        )
        for i in range(size)
    ]
    return draw(st.permutations(nodes))


def test_a_cycle_is_refused_with_its_members() -> None:
    with pytest.raises(CycleFound) as error:
        Lineage.of([node("a", "c"), node("b", "a"), node("c", "b"), node("d", "c"), node("r")])
    assert (error.value.code, sorted(error.value.members)) == ("CYCLE", ["a", "b", "c"])


def test_an_agent_is_not_its_own_parent() -> None:
    with pytest.raises(CycleFound):
        Lineage.of([node("a", "a")])


def test_dangling_parents_are_reported_and_nothing_crashes() -> None:
    lineage = Lineage.of([node("b", "gone", "a"), node("a")])
    assert [(each.agent_id, each.parent_id) for each in lineage.dangling] == [("b", "gone")]
    assert lineage.roots == (0,)


def test_one_agent_twice_counts_once_and_two_contents_conflict() -> None:
    assert Lineage.of([node("a"), node("a")]).ids == ("a",)
    with pytest.raises(Conflict):
        Lineage.of([node("a"), node("a", generation=1)])
    with pytest.raises(InvalidInput):
        AgentNode("a", ("b", "b"))
    with pytest.raises(UnknownAgent):
        Lineage.of([node("a")]).number("b")


def test_a_diamond_counts_once() -> None:
    lineage = Lineage.of([node("r"), node("a", "r"), node("b", "r"), node("c", "a", "b")])
    rows = [row for name in "rabc" for row in run(name, (1, CENT), (0, CENT))]
    report = clade_report(lineage, rows, experiment())
    clade = report.of("r")
    assert (clade.members, clade.trials, clade.successes, clade.cost_nano) == (4, 8, 4.0, 8 * CENT)
    assert clade.cost_of_pass == 2 * CENT
    assert clade.cost_efficiency == pytest.approx(1 / 3)
    assert report.of("c").discovery_cost_nano == 8 * CENT
    assert report.of("a").discovery_cost_nano == 4 * CENT
    assert report.tree_cost_nano == 8 * CENT


def test_build_cost_is_apart_and_in_the_cost_to_discover() -> None:
    lineage = Lineage.of([node("r"), node("a", "r"), node("b", "r")])
    rows = [
        *run("r", (1, CENT)),
        *run("a", (1, CENT)),
        *run("a", (None, 5 * CENT), role=Role.BUILD),
        *run("b", (None, None), role=Role.BUILD),
    ]
    report = clade_report(lineage, rows, experiment())
    assert (report.of("r").cost_nano, report.of("r").build_cost_nano) == (2 * CENT, 5 * CENT)
    assert report.of("a").discovery_cost_nano == 7 * CENT
    assert (report.of("r").unknown_build_costs, report.of("r").incomplete) == (1, True)
    assert (report.tree_cost_nano, report.unknown_costs) == (7 * CENT, 1)
    assert report.of("b").cost_efficiency is None


def test_unknown_costs_are_in_neither_side_of_a_clades_cost_of_pass() -> None:
    lineage = Lineage.of([node("r"), node("a", "r")])
    clade = clade_report(lineage, [*run("r", (1, CENT)), *run("a", (1, None))], experiment()).of("r")
    assert (clade.cost_of_pass, clade.unknown_costs, clade.successes) == (CENT, 1, 2.0)


def test_hgm_reading_a_clade_changes_nothing() -> None:
    lineage = Lineage.of([node("r"), node("a", "r"), node("b", "r", "a")])
    rows = [row for name in "rab" for row in run(name, (1, CENT))]
    first = clade_report(lineage, rows, experiment())
    assert [clade_report(lineage, rows + rows, experiment()) for _ in range(3)] == [first] * 3
    assert first.of("r").trials == 3


def test_an_evaluation_of_nobody_is_refused_and_so_is_a_sum_past_64_bits() -> None:
    lineage = Lineage.of([node("r")])
    with pytest.raises(InvalidInput):
        clade_report(lineage, run("x", (1, 1)), experiment())
    with pytest.raises(SumOutOfRange) as error:
        clade_report(lineage, run("r", (1, 2**62), (1, 2**62)), experiment())
    assert error.value.code == "AMOUNT_OUT_OF_RANGE"
    with pytest.raises(InvalidInput):
        clade_report(lineage, [], experiment()).of("x")


@given(lineages())
@settings(max_examples=200, deadline=None)
def test_clades_are_the_descendants_that_networkx_finds(nodes: list[AgentNode]) -> None:
    lineage = Lineage.of(nodes)
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(lineage.ids)
    graph.add_edges_from((parent, each.agent_id) for each in nodes for parent in each.parent_ids)
    own = np.arange(1, len(nodes) + 1, dtype=np.int64).reshape(-1, 1) ** 3
    below, above = family_sums(lineage, own), family_sums(lineage, own, upwards=True)
    for i, name in enumerate(lineage.ids):
        children = {lineage.index[each] for each in nx.descendants(graph, name)}
        parents = {lineage.index[each] for each in nx.ancestors(graph, name)}
        assert lineage.descendants(i) == children
        assert lineage.ancestors(i) == parents
        assert below[i, 0] == own[[i, *children]].sum()
        assert above[i, 0] == own[[i, *parents]].sum()


def test_a_path_splits_into_price_tokens_and_skill() -> None:
    lineage = Lineage.of([node("r"), node("m", "r"), node("t", "m")])
    rows = [
        Evaluation("r", "t0", 1.0, 8 * CENT, tokens=100),
        Evaluation("m", "t0", 1.0, None, tokens=100),
        Evaluation("t", "t0", 1.0, CENT, tokens=50),
    ]
    found = path_attribution(lineage, rows, experiment(), "t")
    (step,) = found.steps
    assert (step.parent_id, step.child_id, step.bridged) == ("r", "t", ("m",))
    assert step.price == pytest.approx(math.log(1 / 4))
    assert step.token == pytest.approx(math.log(1 / 2))
    assert step.skill == pytest.approx(0)
    assert found.total == pytest.approx(math.log(1 / 8))
    with pytest.raises(InvalidInput):
        path_attribution(lineage, [], experiment(), "t")


@pytest.mark.parametrize("name", MAST)
def test_paths_of_real_runs_telescope_to_1e_9(name: str) -> None:
    nodes, evaluations = mast(name)
    lineage = Lineage.of(nodes)
    for tip in lineage.tips:
        found = path_attribution(lineage, evaluations, experiment(), lineage.nodes[tip].agent_id)
        known = levels(totals_of(evaluations, experiment()))
        assert found.total == pytest.approx(
            known[found.path[-1]].total - known[found.path[0]].total, abs=1e-9
        )
        for part in ("total", "price", "token", "skill"):
            assert math.fsum(getattr(step, part) for step in found.steps) == pytest.approx(
                getattr(found, part), abs=1e-9
            )
        assert found.price + found.token + found.skill == pytest.approx(found.total, abs=1e-9)


def test_the_price_equation_has_its_reference_value() -> None:
    # The three children of the second: 1.9, 1.9 and 2.0.
    terms = price_terms([4, 2, 1, 8], [0, 3, 1, 1], [None, 5.8 / 3, 1.2, 6])
    assert terms.change == pytest.approx(-1.15, abs=1e-12)
    assert terms.selection == pytest.approx(-0.75, abs=1e-12)
    assert terms.transmission == pytest.approx(-0.40, abs=1e-12)
    other = price_terms([4, 2, 1, 8], [0, 3, 1, 1], [None, 5.9 / 3, 1.2, 6])
    assert (other.change, other.selection, other.transmission) == pytest.approx((-1.13, -0.75, -0.38))


numbers = st.floats(-50, 50)


@given(st.lists(st.tuples(numbers, st.floats(0, 9), numbers), min_size=1, max_size=20))
def test_the_price_equation_is_an_identity(rows: list[tuple[float, float, float]]) -> None:
    z, w, means = ([row[i] for row in rows] for i in range(3))
    if math.fsum(w) < 1e-6:
        return
    terms = price_terms(z, w, means)
    assert terms.change == pytest.approx(terms.selection + terms.transmission, abs=1e-10)


@pytest.mark.parametrize(
    ("z", "w", "means"),
    [
        ([1.0], [0.0], [None]),
        ([math.nan], [1.0], [1.0]),
        ([1.0], [1.0], [None]),
        ([1.0], [-1.0], [1.0]),
        ([1.0], [], []),
    ],
)
def test_no_price_equation_without_children_or_of_nan(
    z: list[float], w: list[float], means: Sequence[float | None]
) -> None:
    with pytest.raises(InvalidInput):
        price_terms(z, w, means)


@pytest.mark.parametrize("name", MAST)
def test_the_price_equation_holds_on_real_runs_to_1e_12(name: str) -> None:
    nodes, evaluations = mast(name)
    lineage = Lineage.of(nodes)
    traits = {agent: level.total for agent, level in levels(totals_of(evaluations, experiment())).items()}
    found = price_by_generation(lineage, traits)
    assert len(found) >= 5
    for terms in found.values():
        assert terms.change == pytest.approx(terms.selection + terms.transmission, abs=1e-12)
    # No child is lost: every child of a known parent is some generation's offspring.
    children = sum(1 for above in lineage.parents if above)
    assert math.fsum(terms.offspring for terms in found.values()) == pytest.approx(children)


def test_a_child_of_two_gives_each_half() -> None:
    lineage = Lineage.of(
        [node("a"), node("b"), node("c", "a", "b", generation=1), node("d", "b", generation=1)]
    )
    terms = price_by_generation(lineage, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 5.0})[0]
    assert terms.offspring == 2.0
    assert terms.change == pytest.approx((0.5 * 3 + 0.5 * 3 + 5) / 2 - 1.5)


def test_real_runs_have_dangling_parents_and_migrants() -> None:
    dangling = {name: len({each.parent_id for each in Lineage.of(mast(name)[0]).dangling}) for name in MAST}
    assert dangling == {"mast_metagpt.csv": 2, "mast_multi_agent_v2.csv": 0}
    nodes, evaluations = mast(MAST[1])
    assert sum(each.operator == "migrant" for each in nodes) == 34
    report = clade_report(Lineage.of(nodes), evaluations, experiment())
    assert report.tree_cost_nano == sum(each.cost_nano or 0 for each in evaluations)
    (root,) = Lineage.of(nodes).roots
    assert report.clades[root].members == len(nodes)


def test_diversity_has_its_reference_values() -> None:
    lineage = Lineage.of(
        [node("root"), node("a", "root"), node("b", "a"), node("c", "a"), node("d", "root"), node("e", "d")]
    )
    found = diversity(lineage)
    assert (found.tips, found.faith_pd) == (3, 5)
    assert found.mean_pairwise_distance == pytest.approx(10 / 3)
    assert found.fair_proportion == pytest.approx({"b": 1.5, "c": 1.5, "e": 2.0})


def test_the_distance_of_one_tip_is_undefined_not_0() -> None:
    lineage = Lineage.of([node("root"), node("a", "root")])
    assert diversity(lineage).mean_pairwise_distance is None
    with pytest.raises(InvalidInput):
        diversity(lineage, [])


def test_several_roots_hang_under_one_origin() -> None:
    assert diversity(Lineage.of([node("a"), node("b")])).mean_pairwise_distance == 2.0


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20))
@settings(max_examples=60, deadline=None)
def test_diversity_equals_phylotrackpy_on_trees(choices: list[int]) -> None:
    parents: list[int | None] = [None, *(choice % (i + 1) for i, choice in enumerate(choices))]
    lineage = Lineage.of(
        node(f"a{i:02}", *(() if parent is None else (f"a{parent:02}",))) for i, parent in enumerate(parents)
    )
    oracle: Any = phylotrackpy.systematics.Systematics(lambda each: each)
    taxa: list[Any] = []
    for i, parent in enumerate(parents):
        taxa.append(oracle.add_org(i, *(() if parent is None else (taxa[parent],))))
    for i, taxon in enumerate(taxa):
        if lineage.children[i]:
            oracle.remove_org(taxon)
    found = diversity(lineage)
    assert found.mean_pairwise_distance is None or found.mean_pairwise_distance == pytest.approx(
        oracle.get_mean_pairwise_distance(False)
    )
    assert math.fsum(found.fair_proportion.values()) == pytest.approx(found.faith_pd)
    assert found.faith_pd == oracle.get_phylogenetic_diversity()


def test_a_long_chain_is_no_recursion() -> None:
    lineage = Lineage.of(node(f"a{i:05}", *([f"a{i - 1:05}"] if i else [])) for i in range(20_000))
    assert len(lineage.path_to(19_999)) == 20_000
    assert family_sums(lineage, np.ones((20_000, 1), dtype=np.int64))[0, 0] == 20_000
