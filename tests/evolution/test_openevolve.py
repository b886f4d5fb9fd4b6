"""openevolve's own evaluator runs a guarded function, and what its own database writes is read as it is."""

import asyncio
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from openevolve.config import DatabaseConfig, EvaluatorConfig
from openevolve.database import Program, ProgramDatabase
from openevolve.evaluator import Evaluator

from evolution.adapters.gate import CostGate
from evolution.lineage import Lineage
from evolution.records import Experiment, Operator
from evolution.runner import Limits
from server.cli.evolve.files import Kind, kind_of, read_archives
from tests.evolution.data import CENT
from tests.support.experiment_ledger import BUDGET, Bank, BankLedger, JsonLog, bank

GATES: list[CostGate] = []
"""The evaluator's file finds its gate here: openevolve loads it by its path."""
EVALUATOR = """
from evolution.adapters.openevolve import guarded
from tests.evolution import test_openevolve


@guarded(test_openevolve.GATES[-1])
def evaluate(program_path):
    with open(program_path) as file:
        names = {}
        exec(file.read(), names)
    return {"combined_score": names["answer"], "cost": "0.01"}
"""


@pytest.fixture
def made() -> Generator[Bank]:
    with bank(4 * CENT) as made:
        experiment = Experiment("x", budget_id=BUDGET, c0_nano=CENT)
        with CostGate(experiment, BankLedger(made), JsonLog(), Limits(CENT, retry_seconds=0.0)) as gate:
            GATES.append(gate)
            yield made
            GATES.remove(gate)


def database() -> ProgramDatabase:
    # An absolute random seed, and features that need no model.
    return ProgramDatabase(
        DatabaseConfig(num_islands=2, feature_dimensions=["complexity"], feature_bins=50, random_seed=1)
    )


def evaluated(texts: list[str], folder: Path) -> list[dict[str, Any]]:
    file = folder / "evaluator.py"
    file.write_text(EVALUATOR, encoding="utf-8")
    config = EvaluatorConfig(cascade_evaluation=False, max_retries=0, timeout=60)
    evaluator = Evaluator(config, str(file))

    async def all_of_them() -> list[dict[str, Any]]:
        return [await evaluator.evaluate_program(text, f"p{i}") for i, text in enumerate(texts)]

    return asyncio.run(all_of_them())


def test_its_evaluator_pays_by_our_ledger_until_the_cap_refuses(made: Bank, tmp_path: Path) -> None:
    texts = [f"answer = {i / 10}\n" for i in range(6)]
    metrics = evaluated(texts, tmp_path)
    assert made.figures() == (4 * CENT, 0)
    assert [each["combined_score"] for each in metrics] == [0.0, 0.1, 0.2, 0.3, 0.0, 0.0]
    assert [each.get("cost_nano") for each in metrics] == [CENT] * 4 + [None] * 2
    assert [each.get("cost_cap_reached") for each in metrics] == [None] * 4 + [1.0] * 2
    assert metrics[3]["cost_efficiency"] == pytest.approx(0.3 / 1.3)


def test_a_program_that_breaks_is_paid_and_has_no_score(made: Bank, tmp_path: Path) -> None:
    (metrics,) = evaluated(["answer = 1 / 0\n"], tmp_path)
    assert "combined_score" not in metrics
    # Nobody knows what it cost: what was held is charged.
    assert made.figures() == (CENT, 0)


def test_what_its_database_saves_is_the_lineage_that_it_holds(made: Bank, tmp_path: Path) -> None:
    texts = [f"answer = {i / 10}  # {'x' * i * 7}\n" for i in range(5)]
    metrics = evaluated(texts, tmp_path)
    held = database()
    for i, (text, found) in enumerate(zip(texts, metrics, strict=True)):
        parent = None if i == 0 else f"p{(i - 1) // 2}"
        program = Program(
            id=f"p{i}", code=text, parent_id=parent, generation=i and (i + 1) // 2, metrics=found
        )
        held.add(program, iteration=i)
    held.migrate_programs()
    copies = {name for name, each in held.programs.items() if each.metadata.get("migrant")}
    assert copies
    run = tmp_path / "output"
    for step in (5, 10):
        held.save(str(run / "checkpoints" / f"checkpoint_{step}"), step)
    (run / "checkpoints" / "checkpoint_9").mkdir()

    assert kind_of(run) is Kind.OPENEVOLVE
    archive = read_archives([run])
    lineage = Lineage.of(archive.nodes)
    assert set(lineage.ids) == set(held.programs)
    for node in lineage.nodes:
        program = held.programs[node.agent_id]
        assert node.parent_ids == (() if program.parent_id is None else (program.parent_id,))
        assert node.generation == program.generation
        assert node.island == str(program.metadata["island"])
        assert (node.operator is Operator.MIGRANT) is (node.agent_id in copies)
    scores = {each.agent_id: each.score for each in archive.evaluations}
    assert scores == {
        name: None if "error" in each.metrics else each.metrics["combined_score"]
        for name, each in held.programs.items()
    }
    # The first four were paid, the fifth was refused; a copy was not evaluated again.
    assert {each.agent_id: each.cost_nano for each in archive.evaluations} == {
        name: CENT if name in {"p0", "p1", "p2", "p3"} else None for name in held.programs
    }
    # It drops programs from its population, so children lose their parents.
    assert {each.parent_id for each in lineage.dangling} == {
        each.parent_id for each in held.programs.values() if each.parent_id
    } - held.programs.keys()
    assert lineage.dangling


def test_a_program_file_that_is_broken_is_named(tmp_path: Path) -> None:
    held = database()
    held.add(Program(id="p0", code="x = 1\n", metrics={"combined_score": 0.5}))
    held.save(str(tmp_path / "db"))
    (tmp_path / "db" / "programs" / "p1.json").write_text(json.dumps({"id": "p1"})[:-3], encoding="utf-8")
    with pytest.raises(Exception, match=r"p1\.json: not JSON"):
        read_archives([tmp_path / "db"])
