"""Figures: their data agree with the scores, unknown cost is shown as unknown, and they can be drawn."""

import html
import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.codec import from_json, to_json
from evolution.errors import Conflict, InvalidInput
from evolution.figures.drawing import AnyFigure, draw
from evolution.figures.frontier import FrontierFigure, frontier_figure
from evolution.figures.spend import SpendFigure, spend_figure
from evolution.figures.tree import TreeFigure, tree_figure
from evolution.intervals import Interval
from evolution.lineage import Lineage
from evolution.records import AgentNode, Evaluation, Operator, Role
from evolution.selectors.base import Candidate
from tests.evolution.data import CENT, aider, node, run

candidates = st.lists(
    st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=12
).map(
    lambda pairs: [
        Candidate(
            f"a{i:02}", effectiveness=None if e is None else e / 5, cost=None if c is None else float(c)
        )
        for i, (e, c) in enumerate(pairs)
    ]
)


@given(candidates)
def test_nobody_beats_a_point_of_the_frontier_and_everybody_is_placed_or_named(
    them: list[Candidate],
) -> None:
    figure = frontier_figure(them)
    assert {each.agent_id for each in (*figure.points, *figure.unplaced)} == {each.agent_id for each in them}
    for each in figure.points:
        beaten = any(
            other.mean_cost <= each.mean_cost
            and other.effectiveness >= each.effectiveness
            and (other.mean_cost, other.effectiveness) != (each.mean_cost, each.effectiveness)
            for other in figure.points
        )
        assert each.on_frontier is not beaten
        assert each.on_frontier or not each.on_hull
    assert all(each.reason.startswith("UNKNOWN") for each in figure.unplaced)
    for before, after in pairwise(figure.frontier):
        assert before.mean_cost <= after.mean_cost
        assert before.effectiveness <= after.effectiveness
    # Each further corner of the hull buys less effectiveness for the money.
    corners = sorted({(each.mean_cost, each.effectiveness) for each in figure.hull})
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(corners)]
    assert slopes == sorted(slopes, reverse=True)


def test_the_leaderboard_has_its_first_front() -> None:
    rows = aider()
    figure = frontier_figure(
        [
            Candidate(name, effectiveness=passes / 225, cost=None if cost is None else cost * 1e9)
            for name, cost, passes, _ in rows
        ]
    )
    assert len(figure.points) == 51
    assert len(figure.unplaced) == 18
    assert {each.reason for each in figure.unplaced} == {"UNKNOWN_COST"}
    assert len(figure.frontier) == 8
    assert 1 <= len(figure.hull) <= 8


def test_a_tree_keeps_families_together() -> None:
    lineage = Lineage.of(
        [
            node("root"),
            node("a", "root", generation=1),
            node("b", "root", generation=1),
            node("a1", "a", generation=2),
            node("a2", "a", "b", generation=2),
            node("b1", "b", "gone", generation=2),
            AgentNode("a1_copy", ("a1",), 2, Operator.MIGRANT),
        ]
    )
    figure = tree_figure(lineage, {"a": 0.5}, failed=frozenset({"b"}))
    at = {each.agent_id: each for each in figure.nodes}
    assert [at[name].row for name in ("a1_copy", "a2", "b1")] == [0, 1, 2]
    assert at["a"].row == 0.5
    assert at["root"].row == (0.5 + 2) / 2
    assert at["a1_copy"].column == pytest.approx(2.3)
    assert (figure.rows, figure.dangling, figure.unknown) == (3, 1, 6)
    edges = {
        (figure.nodes[edge.parent].agent_id, figure.nodes[edge.child].agent_id): edge.first
        for edge in figure.edges
    }
    assert len(edges) == 7
    assert [pair for pair, first in edges.items() if not first] == [("b", "a2")]


def test_a_lineage_of_thousands_of_generations_has_a_layout() -> None:
    nodes = [node("n00000")]
    nodes += [node(f"n{i:05}", f"n{i - 1:05}", generation=i) for i in range(1, 5_000)]
    figure = tree_figure(Lineage.of(nodes), {})
    assert figure.rows == 1
    assert {each.row for each in figure.nodes} == {0.0}


def test_spend_is_exact_by_generation_and_role_and_counts_what_is_unknown() -> None:
    lineage = Lineage.of([node("s"), node("c", "s", generation=1)])
    rows = [
        *run("s", (1, CENT), (0, None)),
        *run("c", (1, 2 * CENT), role=Role.SERVE),
        Evaluation("c", "b", None, 3 * CENT, role=Role.BUILD),
        Evaluation("c", "b", None, None, role=Role.BUILD, trial=1),
        *run("stranger", (1, 2**62)),
    ]
    figure = spend_figure(lineage, [*rows, rows[0]])
    found = [
        (each.generation, each.agents, each.build_nano, each.evaluate_nano, each.serve_nano, each.unknown)
        for each in figure.generations
    ]
    assert found == [
        (0, 1, 0, CENT, 0, 1),
        (1, 1, 3 * CENT, 0, 2 * CENT, 1),
        (None, 1, 0, 2**62, 0, 0),
    ]
    assert figure.total_nano == 6 * CENT + 2**62
    assert figure.unknown == 2
    with pytest.raises(Conflict):
        spend_figure(lineage, [*rows, Evaluation("s", "t0", 0.5, CENT)])


def figures() -> dict[str, AnyFigure]:
    rng = np.random.default_rng(1)
    size = 120
    nodes = [node(f"agent-{i:03}") for i in range(4)]
    for i in range(4, size):
        parents = sorted({int(each) for each in rng.integers(0, i, 1 + i % 5 // 4)})
        generation = 1 + max(nodes[each].generation for each in parents)
        nodes.append(node(f"agent-{i:03}", *(f"agent-{each:03}" for each in parents), generation=generation))
    lineage = Lineage.of(nodes)
    values = {each.agent_id: None if i % 9 == 0 else float(rng.random()) for i, each in enumerate(nodes)}
    rows = [
        evaluation
        for i, each in enumerate(nodes)
        for evaluation in run(each.agent_id, (0.5, None if i % 9 == 0 else int(rng.integers(1, 100)) * CENT))
    ]
    cost = rng.lognormal(0, 1.5, size)
    them = [
        Candidate(
            each.agent_id,
            effectiveness=float(rng.random()),
            cost=None if i % 9 == 0 else float(cost[i]) * 1e7,
        )
        for i, each in enumerate(nodes)
    ]
    bounds = {each.agent_id: Interval(0.2, 0.8) for each in nodes}
    return {
        "frontier": frontier_figure(them, "EUR", bounds, "a frontier"),
        "lineage": tree_figure(lineage, values, failed=frozenset({"agent-007"})),
        "spend": spend_figure(lineage, rows, "EUR"),
    }


FIGURES = figures()
KINDS = {"frontier": FrontierFigure, "lineage": TreeFigure, "spend": SpendFigure}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_goes_to_json_and_back(name: str) -> None:
    stored = json.dumps(to_json(FIGURES[name]), allow_nan=False)
    assert from_json(KINDS[name], json.loads(stored)) == FIGURES[name]


@pytest.mark.parametrize("name", FIGURES)
def test_a_picture_has_pixels_and_is_the_same_again(name: str) -> None:
    image = draw(FIGURES[name])
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert image == draw(FIGURES[name])
    width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
    assert width >= 900
    assert height >= 500


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("frontier", ("mean cost per evaluation (EUR, log scale)", "effectiveness (mean score, 0 to 1)")),
        ("lineage", ("generation", "cost efficiency (0 to 1)", "120 agents", "cost efficiency unknown (14)")),
        ("spend", ("spent per generation (EUR)", "in all (EUR)", "generation")),
    ],
)
def test_a_drawing_names_its_axes_with_units_and_what_is_unknown(name: str, words: tuple[str, ...]) -> None:
    drawn = draw(FIGURES[name], "svg").decode()
    texts = [html.unescape(text).strip() for text in re.findall(r">([^<>]+)</text>", drawn)]
    for each in words:
        assert each in texts
    unknown = {"frontier": "unknown", "lineage": "unknown", "spend": "14 costs unknown"}[name]
    assert any(unknown in text for text in texts)


@pytest.mark.parametrize(
    "figure", [FrontierFigure("USD", ()), TreeFigure((), (), 1, 0), SpendFigure("USD", ())]
)
def test_nothing_to_draw_is_said(figure: AnyFigure) -> None:
    with pytest.raises(InvalidInput, match="no "):
        draw(figure)


def test_few_and_odd_figures_can_be_drawn() -> None:
    free = Candidate("free", effectiveness=0.0, cost=0.0)
    unknown = Candidate("unknown", effectiveness=0.5)
    for figure in (
        frontier_figure([free]),
        frontier_figure([unknown]),
        frontier_figure([free, unknown, Candidate("nobody")]),
        tree_figure(Lineage.of([node("only")]), {}),
        tree_figure(Lineage.of([node("only")]), {"only": 0.0}, failed=frozenset({"only"})),
        spend_figure(Lineage.of([node("only")]), []),
        spend_figure(Lineage.of([]), run("stranger", (1, None))),
    ):
        assert draw(figure).startswith(b"\x89PNG")


def test_without_matplotlib_the_data_are_there_and_drawing_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from evolution.errors import NotInstalled\n"
        "from evolution.figures.drawing import draw\n"
        "from evolution.figures.frontier import frontier_figure\n"
        "from evolution.selectors.base import Candidate\n"
        "figure = frontier_figure([Candidate('a', effectiveness=1.0, cost=1.0)])\n"
        "try:\n    draw(figure)\nexcept NotInstalled as error:\n    print(error.message)\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert "pip install 'costgraph[plots]'" in run.stdout
