"""Readers: what is written is read again, what cannot be read is named, and nothing unknown becomes free."""

import json
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.archives.base import Archive, Scale
from evolution.archives.mast import Rates, read_mast
from evolution.archives.openevolve import Reading, read_openevolve
from evolution.archives.shinka import read_shinka
from evolution.archives.tables import read_csv, read_jsonl, write_jsonl
from evolution.errors import BadArchive, InvalidInput
from evolution.lineage import Lineage
from evolution.records import AgentNode, Evaluation, Experiment, Operator, Role
from tests.evolution.data import MAST, beside, mast

names = st.text("abc/:@ é\"',;\n", min_size=1, max_size=6).filter(lambda text: text.strip() == text)
nodes = st.builds(
    AgentNode,
    names,
    st.lists(names, unique=True, max_size=3).map(tuple),
    st.integers(0, 50),
    st.sampled_from(Operator),
    st.none() | names,
)
evaluations = st.builds(
    Evaluation,
    names,
    names,
    st.none() | st.floats(0, 1),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.floats(0, 1e12),
    st.none() | st.integers(0, 2**62),
    st.sampled_from(Role),
    st.integers(0, 2**48),
    st.lists(names, max_size=2).map(tuple),
)
experiments = st.builds(
    Experiment,
    names,
    weights=st.dictionaries(st.sampled_from(["effectiveness", "cost_efficiency"]), st.floats(0.1, 1)),
    c0_nano=st.none() | st.integers(1, 2**60),
    seed=st.integers(0, 9),
)


@given(st.lists(nodes, max_size=4), st.lists(evaluations, max_size=4), st.none() | experiments)
def test_what_is_written_as_json_lines_is_read_again(
    agents: list[AgentNode], rows: list[Evaluation], experiment: Experiment | None
) -> None:
    archive = Archive(tuple(agents), tuple(rows), experiment)
    lines = list(write_jsonl(archive))
    assert all("\n" not in line for line in lines)
    assert read_jsonl(lines) == archive


def test_a_cost_is_exact_however_it_is_written() -> None:
    lines = [
        '{"agent_id": "a", "task_id": "t", "cost": 0.1, "score": 1}',
        '{"agent_id": "a", "task_id": "t", "cost": "0.000000001", "trial": 1}',
        '{"agent_id": "a", "task_id": "t", "cost": 9223372036.854775807, "trial": 2}',
        '{"agent_id": "a", "task_id": "t", "cost": 0, "trial": 3}',
        '{"agent_id": "a", "task_id": "t", "trial": 4}',
    ]
    costs = [each.cost_nano for each in read_jsonl(lines).evaluations]
    assert costs == [100_000_000, 1, 2**63 - 1, 0, None]


BAD_LINES = [
    ('{"agent_id": "a", "task_id": "t", "scroe": 1}', "scroe", "unknown field"),
    ('{"agent_id": "a", "task_id": "t", "score": 1.5}', "score", "not in [0, 1]"),
    ('{"agent_id": "a", "task_id": "t", "score": "much"}', "score", "not a finite number"),
    ('{"agent_id": "a", "task_id": "t", "score": true}', "score", "not a finite number"),
    ('{"agent_id": "a", "task_id": "t", "cost": -0.1}', "cost", "below 0"),
    ('{"agent_id": "a", "task_id": "t", "cost": "1e99"}', "cost", "64 bits"),
    ('{"agent_id": "a", "task_id": "t", "tokens": 1.5}', "tokens", "not a whole number"),
    ('{"agent_id": "a", "task_id": "t", "role": "play"}', "role", "none of build"),
    ('{"agent_id": "a", "task_id": "t", "trial": -1}', "trial", "-1"),
    ('{"agent_id": "a", "task_id": "t", "operation_ids": [1]}', "operation_ids", "not a list"),
    ('{"task_id": "t", "score": 1}', "agent_id", "missing"),
    ('{"agent_id": "b", "operator": "magic"}', "operator", "none of seed"),
    ('{"agent_id": "b", "parent_agent_ids": ["c", "c"]}', "parent_agent_ids", "twice"),
    ('{"agent_id": ""}', "agent_id", "missing"),
    ('{"experiment_id": "x", "weight": {}}', "weight", "has no"),
    ('{"agent_id": "a", "task_id": "t", "score": NaN}', None, "NaN"),
    ("[1]", None, "not a JSON object"),
    ("{", None, "not JSON"),
]


@pytest.mark.parametrize(("line", "field", "message"), BAD_LINES)
def test_a_bad_line_is_named_with_its_field(line: str, field: str | None, message: str) -> None:
    with pytest.raises(BadArchive) as raised:
        read_jsonl(['{"agent_id": "good"}', "", line], "study.jsonl, line")
    (problem,) = raised.value.problems
    assert (problem.place, problem.field) == ("study.jsonl, line 3", field)
    assert message in problem.message
    assert raised.value.count == 1


def test_all_bad_lines_are_counted_and_the_first_are_shown() -> None:
    with pytest.raises(BadArchive) as raised:
        read_jsonl([line for line, _, _ in BAD_LINES])
    assert raised.value.count == len(BAD_LINES)
    assert len(raised.value.problems) == 10
    assert f"and {len(BAD_LINES) - 10} more" in raised.value.message


def test_two_currencies_are_no_experiment() -> None:
    lines = [
        '{"agent_id": "a", "task_id": "t", "cost": 1, "currency": "EUR"}',
        '{"agent_id": "a", "task_id": "u", "cost": 1}',
    ]
    with pytest.raises(BadArchive, match="USD beside EUR"):
        read_jsonl(lines)


def test_tables_of_agents_and_of_evaluations_are_told_apart_by_their_header() -> None:
    agents = read_csv(
        ["agent_id,parent_agent_ids,generation\n", "seed,,0\n", 'child,"seed; other",1\n', "\n"]
    )
    assert agents.nodes == (
        AgentNode("seed"),
        AgentNode("child", ("seed", "other"), 1, Operator.CROSSOVER),
    )
    rows = read_csv(["agent_id,task_id,score,cost,role\n", "seed,t1,0.5,0.25,\n", "seed,t2,,,BUILD\n"])
    assert rows.evaluations == (
        Evaluation("seed", "t1", 0.5, 250_000_000),
        Evaluation("seed", "t2", None, None, role=Role.BUILD),
    )


@pytest.mark.parametrize(
    ("lines", "place", "message"),
    [
        (["agent_id,score,task_id\n", "a,1\n"], "line 2", "2 cells under a header of 3"),
        (["agent_id,agent_id\n", "a,1\n"], "line 1", "a column twice"),
        (["agent_id,task_id\n", '"a,1\n'], "line 2", "not CSV"),
        (["agent_id,task_id,colour\n", "a,t,red\n"], "line 2", "unknown field"),
    ],
)
def test_a_table_that_is_none_is_refused(lines: list[str], place: str, message: str) -> None:
    with pytest.raises(BadArchive) as raised:
        read_csv(lines)
    assert raised.value.problems[0].place == place
    assert message in raised.value.problems[0].message


def test_a_scale_maps_raw_scores_and_cuts_nothing_off() -> None:
    assert Scale(0, 4).fraction(1) == 0.25
    assert Scale(10, 0).fraction(10) == 0
    assert Scale(10, 0).fraction(2.5) == 0.75
    with pytest.raises(InvalidInput, match=r"2\.6 is outside of the scale 0 to 1"):
        Scale().fraction(2.6)
    for bad in (lambda: Scale(1, 1), lambda: Scale(0, float("nan")), lambda: Scale(0, float("inf"))):
        with pytest.raises(InvalidInput):
            bad()


@pytest.mark.parametrize("name", MAST)
def test_a_mast_run_is_read_as_it_was(name: str) -> None:
    wanted_nodes, wanted = mast(name)
    with beside(name).open(encoding="utf-8", newline="") as file:
        found = read_mast(file, Rates(Decimal("2.50"), Decimal(10)), role=Role.EVALUATE)
    assert found.nodes == tuple(wanted_nodes)
    assert [(each.agent_id, each.score) for each in found.evaluations] == [
        (each.agent_id, each.score) for each in wanted
    ]
    failed = sum(each.score is None for each in wanted)
    assert found.notes == (f"{failed} programs failed without a score",)
    # What no call wrote has no price, not the price 0; the others are priced by characters over four.
    costs = {each.agent_id: each.cost_nano for each in wanted}
    for each in found.evaluations:
        if each.cost_nano is not None:
            assert each.cost_nano == costs[each.agent_id]
    unwritten = {each.agent_id for each in found.evaluations if each.cost_nano is None}
    with beside(name).open(encoding="utf-8", newline="") as file:
        header, *lines = file.read().splitlines()
    place = header.split(",").index("llm_prompt_chars")
    assert unwritten == {line.split(",")[0] for line in lines if line.split(",")[place] == "0"}
    assert unwritten


def test_what_a_mast_program_cost_to_write_is_kept_apart_from_its_evaluation() -> None:
    with beside(MAST[1]).open(encoding="utf-8", newline="") as file:
        found = read_mast(file, Rates(Decimal("2.50"), Decimal(10)))
    assert all(each.cost_nano is None for each in found.evaluations if each.role is Role.EVALUATE)
    builds = [each for each in found.evaluations if each.role is Role.BUILD]
    assert builds
    assert all(each.cost_nano and each.score is None for each in builds)
    lineage = Lineage.of(found.nodes)
    assert sum(node.operator is Operator.MIGRANT for node in lineage.nodes) == 34


def test_another_table_is_no_mast_run() -> None:
    with pytest.raises(BadArchive, match="no column code_chars"):
        read_mast(["id,parent_id\n", "a,\n"])


def program(name: str, **said: object) -> tuple[str, dict[str, object]]:
    return f"{name}.json", {"id": name, "code": "pass", "generation": 0, "metrics": {}, **said}


def test_openevolve_scores_failures_and_migrants() -> None:
    found = read_openevolve(
        [
            program("seed", metrics={"combined_score": 0.5, "other": 7}, metadata={"island": 0}),
            program("mean", parent_id="seed", generation=1, metrics={"a": 0.2, "b": 0.4, "ok": True}),
            program("broken", parent_id="seed", generation=1, metrics={"error": 0.0}),
            program("text", parent_id="seed", generation=1, metrics={"error": "no f", "combined_score": 0.0}),
            program(
                "paid", parent_id="gone", metrics={"combined_score": 1, "cost_nano": 7, "c": Decimal("0.1")}
            ),
            program(
                "copy",
                parent_id="paid",
                metrics={"combined_score": 1, "cost_nano": 7},
                metadata={"migrant": True, "island": 1},
            ),
            program("x_migrant_2", parent_id="x", metrics={"a": 1.0}),
            program("new", parent_id="seed"),
        ]
    )
    scores = {each.agent_id: each.score for each in found.evaluations}
    assert scores == {
        "seed": 0.5,
        "mean": pytest.approx(0.3),
        "broken": None,
        "text": None,
        "paid": 1.0,
        "copy": 1.0,
        "x_migrant_2": 1.0,
    }
    assert {each.agent_id: each.cost_nano for each in found.evaluations if each.cost_nano is not None} == {
        "paid": 7
    }
    assert {node.agent_id for node in found.nodes if node.operator is Operator.MIGRANT} == {
        "copy",
        "x_migrant_2",
    }
    assert {node.agent_id: node.island for node in found.nodes if node.island} == {"seed": "0", "copy": "1"}
    assert set(found.notes) == {
        "1 programs were never evaluated",
        "2 programs failed without a score",
        "4 evaluations have an unknown cost",
        "2 copies on other islands were not evaluated again: their cost is their originals'",
    }
    assert len(Lineage.of(found.nodes).dangling) == 2


def test_openevolve_metrics_can_be_named() -> None:
    rows = [program("a", metrics={"ratio": 2.0, "combined_score": 9.0, "usd": Decimal("0.10"), "s": 3})]
    reading = Reading("ratio", "usd", "s", Scale(0, 4))
    (each,) = read_openevolve(rows, reading).evaluations
    assert (each.score, each.cost_nano, each.seconds) == (0.5, 100_000_000, 3.0)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"metrics": {"combined_score": 2.6}}, "score"),
        ({"metrics": {"combined_score": float("nan")}}, "combined_score"),
        ({"metrics": [1]}, "metrics"),
        ({"id": None}, "id"),
        ({"generation": "third"}, "generation"),
        ({"metrics": {"combined_score": 1, "cost_nano": -1}}, "cost_nano"),
    ],
)
def test_a_bad_program_is_named(said: dict[str, object], field: str) -> None:
    with pytest.raises(BadArchive) as raised:
        read_openevolve([program("p", **said)])
    assert raised.value.problems[0].place == "p.json"
    assert raised.value.problems[0].field == field


def row(name: str, **said: object) -> dict[str, object]:
    metadata = said.pop("metadata", {})
    return {
        "id": name,
        "parent_id": None,
        "generation": 0,
        "island_idx": 0,
        "combined_score": 0.5,
        "correct": 1,
        "metadata": json.dumps(metadata),
        **said,
    }


def test_shinka_costs_are_those_of_building() -> None:
    found = read_shinka(
        [
            row("seed", metadata={"compute_time": 1.5, "api_costs": 0.0}),
            row("asked", metadata={"api_costs": 0.3, "patch_type": "init"}),
            row("child", parent_id="seed", metadata={"api_costs": 0.0123, "embed_cost": 0.0001}),
            row("cross", parent_id="seed", metadata={"api_costs": 0.1, "patch_type": "cross"}),
            row("bad", parent_id="seed", correct=0, metadata={"api_costs": 0.2}),
            row("free", parent_id="seed", metadata={"api_costs": 0.0}),
            row(
                "copy",
                parent_id="seed",
                metadata={"_is_island_copy": True, "_original_program_id": "child", "api_costs": 99.0},
            ),
        ]
    )
    builds = {each.agent_id: each.cost_nano for each in found.evaluations if each.role is Role.BUILD}
    assert builds == {
        "asked": 300_000_000,
        "child": 12_400_000,
        "cross": 100_000_000,
        "bad": 200_000_000,
        "free": None,
    }
    scores = {each.agent_id: each.score for each in found.evaluations if each.role is Role.EVALUATE}
    assert scores == {
        "seed": 0.5,
        "asked": 0.5,
        "child": 0.5,
        "cross": 0.5,
        "bad": None,
        "free": 0.5,
        "copy": 0.5,
    }
    operators = {node.agent_id: node.operator for node in found.nodes}
    assert operators["cross"] is Operator.CROSSOVER
    assert operators["copy"] is Operator.MIGRANT
    assert {node.agent_id: node.parent_ids for node in found.nodes}["copy"] == ("child",)
    assert all(each.cost_nano is None for each in found.evaluations if each.role is Role.EVALUATE)
    assert found.evaluations[0].seconds == 1.5


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"metadata": None, "combined_score": 3.0}, "score"),
        ({"generation": None, "id": None}, "id"),
        ({"island_idx": "left"}, "island_idx"),
    ],
)
def test_a_bad_row_of_shinka_is_named(said: dict[str, object], field: str) -> None:
    with pytest.raises(BadArchive) as raised:
        read_shinka([row("p", **said)])
    assert raised.value.problems[0].field == field


def test_metadata_that_is_no_json_is_named() -> None:
    with pytest.raises(BadArchive, match=r"program p, metadata: not JSON"):
        read_shinka([{**row("p"), "metadata": "{"}])


@given(st.lists(evaluations, max_size=3), st.randoms())
def test_the_order_of_lines_only_orders_records(rows: list[Evaluation], random: Random) -> None:
    lines = list(write_jsonl(Archive((), tuple(rows))))
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert sorted(map(repr, read_jsonl(shuffled).evaluations)) == sorted(map(repr, rows))
    assert replace(read_jsonl(lines), evaluations=()) == Archive((), ())
