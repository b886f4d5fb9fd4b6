"""Records: JSON and back, deterministic ids, and an import that costs nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.budgeted import Offer, select_within
from evolution.clades import clade_report
from evolution.codec import from_json, to_json
from evolution.errors import InvalidInput
from evolution.lineage import Lineage
from evolution.ports import Bill, Held, LogEntry, Receipt
from evolution.records import AgentNode, Evaluation, Experiment, Operator, Role, operation_id_of
from evolution.scoring import freeze, score
from evolution.selections import select
from evolution.selectors.base import Candidate
from evolution.selectors.grid import EliteGrid
from tests.evolution.data import CENT, experiment, node, run

names = st.text(min_size=1, max_size=8)


def records() -> list[Any]:
    rows = [*run("a", (1, CENT), (0, None)), *run("b", (1, 2 * CENT))]
    frozen = freeze(Experiment("x", tasks=("t0", "t1"), weights={"efficiency": 1.0}), rows, ["a", "b"])
    evaluation = rows[0]
    bill = Bill("op", "a", "x", None, "USD", failed=False, usages=({"model_id": "m", "prompt_tokens": 3},))
    return [
        evaluation,
        node("c", "a", "b", generation=2),
        frozen,
        *score(rows, frozen),
        clade_report(Lineage.of([node("a"), node("b", "a")]), rows, experiment()),
        select(EliteGrid(), [Candidate("a", 0.5, 0.5, 1.0), Candidate("b")], 1, 9, generation=3),
        select_within([Offer("a", 1.0, 5), Offer("b", 1.0, None)], 9, 1),
        LogEntry("x", "op", evaluation, Held("h", "k"), bill, Receipt(5, None)),
    ]


@pytest.mark.parametrize("record", records(), ids=lambda each: type(each).__name__)
def test_a_record_survives_json(record: Any) -> None:
    assert from_json(type(record), json.loads(json.dumps(to_json(record)))) == record


def test_scores_are_reproduced_from_stored_records() -> None:
    rows = [*run("a", (1, CENT), (0, None)), *run("b", (1, 2 * CENT))]
    frozen = freeze(Experiment("x", tasks=("t0", "t1")), rows, ["a", "b"])
    stored = json.dumps([to_json(frozen), *(to_json(each) for each in rows)])
    head, *rest = json.loads(stored)
    again = score([from_json(Evaluation, each) for each in rest], from_json(Experiment, head))
    assert again == score(rows, frozen)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"agent_id": "a", "task_id": "t", "score": 2.0, "cost_nano": 1}, "score"),
        ({"agent_id": "a", "task_id": "t", "score": 1.0, "cost_nano": "x"}, "cost_nano"),
        ({"agent_id": "a", "task_id": "t", "score": 1.0}, "cost_nano"),
        ({"agent_id": "a", "task_id": "t", "score": 1.0, "cost_nano": 1, "cost": 1}, "cost"),
        ({"agent_id": "a", "task_id": "t", "score": 1.0, "cost_nano": 1, "role": "play"}, "role"),
    ],
)
def test_bad_json_names_the_field(value: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        from_json(Evaluation, value)
    assert error.value.field == field


@given(names, names, names, names)
def test_operation_ids_are_the_same_for_the_same_words_and_no_others(a: str, b: str, c: str, d: str) -> None:
    assert operation_id_of(a, b, c) == operation_id_of(a, b, c)
    if (a, b) != (c, d):
        assert operation_id_of("x", a, b) != operation_id_of("x", c, d)
    assert len({operation_id_of(a, b, c, trial, role) for trial in range(3) for role in Role}) == 9


@pytest.mark.parametrize(
    "said",
    [
        {"experiment_id": ""},
        {"tasks": ("t", "t")},
        {"weights": {"speed": 1.0}},
        {"confidence": 1.0},
        {"effectiveness_floor": -0.1},
        {"c0_nano": 0},
        {"reference_seconds": 0.0},
        {"task_c0_nano": {"t": 0}},
        {"roles": ()},
        {"roles": (Role.BUILD,)},
        {"seed": -1},
    ],
)
def test_impossible_experiments_are_errors(said: dict[str, Any]) -> None:
    words: dict[str, Any] = {"experiment_id": "x", **said}
    with pytest.raises(InvalidInput):
        Experiment(**words)


def test_operators_and_roles_are_the_contracts_words() -> None:
    assert list(Operator) == ["seed", "mutation", "crossover", "migrant"]
    assert list(Role) == ["build", "evaluate", "serve"]
    with pytest.raises(InvalidInput):
        AgentNode("a", generation=-1)


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("evolution", "numpy scipy networkx pydantic"),
        (
            "evolution.records, evolution.fitness, evolution.prompts, evolution.ports",
            "numpy scipy networkx pydantic",
        ),
        (
            "evolution.scoring, evolution.clades, evolution.selections, evolution.runner",
            "scipy networkx pydantic",
        ),
        ("evolution.budgeted, evolution.stability", "scipy networkx"),
    ],
)
def test_importing_brings_nothing_heavy(modules: str, absent: str) -> None:
    program = f"import sys, {modules}; sys.exit(any(each in sys.modules for each in {absent.split()!r}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
