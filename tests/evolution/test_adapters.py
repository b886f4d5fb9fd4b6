"""The adapters on the real packages: openevolve's evaluator and database, GEPA's optimizer."""

import re
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from gepa.api import optimize as gepa_optimize
from gepa.core.adapter import EvaluationBatch

from evolution.adapters.gate import CostGate
from evolution.adapters.gepa import GuardedAdapter, agent_id_of
from evolution.adapters.openevolve import REFUSED_METRIC, combined, guarded
from evolution.archives.base import Scale
from evolution.errors import CapReached, InvalidInput
from evolution.outcome import EvaluationFailed
from evolution.records import Experiment
from evolution.runner import Limits
from tests.evolution.data import CENT
from tests.support.experiment_ledger import BUDGET, Bank, BankLedger, JsonLog, bank

EXPERIMENT = Experiment("x", budget_id=BUDGET, c0_nano=CENT)


@pytest.fixture
def made() -> Generator[Bank]:
    with bank(10 * CENT) as made:
        yield made


@pytest.fixture
def log() -> JsonLog:
    return JsonLog()


@pytest.fixture
def gate(made: Bank, log: JsonLog) -> Generator[CostGate]:
    with CostGate(EXPERIMENT, BankLedger(made), log, Limits(2 * CENT, retry_seconds=0.0)) as opened:
        yield opened


class Exact:
    """Right wherever the prompt asks for care; it costs what the example says."""

    def __init__(self) -> None:
        self.calls = 0

    def evaluate(
        self, batch: list[dict[str, Any]], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[str, dict[str, Any]]:
        self.calls += len(batch)
        outputs = [{"right": "carefully" in candidate["prompt"], "cost": each["cost"]} for each in batch]
        return EvaluationBatch(
            outputs=outputs,
            scores=[float(each["right"]) for each in outputs],
            trajectories=[str(each) for each in outputs] if capture_traces else None,
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        assert set(components_to_update) <= candidate.keys()
        records = [{"Inputs": "a question", "Feedback": trace} for trace in eval_batch.trajectories]
        return dict.fromkeys(components_to_update, records)


def examples(count: int, cost: str | None = "0.005") -> list[dict[str, Any]]:
    return [{"question": f"q{i}", "cost": cost} for i in range(count)]


def cost_of(example: dict[str, Any], output: dict[str, Any]) -> Any:
    return output["cost"]


def reflect(prompt: Any) -> str:
    return "```\nAnswer carefully.\n```"


def optimize(adapter: GuardedAdapter, data: list[dict[str, Any]], tmp_path: Path, **said: Any) -> Any:
    return gepa_optimize(
        seed_candidate={"prompt": "Answer."},
        trainset=data,
        valset=data,
        adapter=adapter,
        reflection_lm=reflect,
        stop_callbacks=[adapter.stop],
        raise_on_exception=False,
        run_dir=str(tmp_path / "run"),
        reflection_minibatch_size=2,
        **said,
    )


def test_gepa_optimizes_and_every_example_is_paid(
    gate: CostGate, made: Bank, log: JsonLog, tmp_path: Path
) -> None:
    inner = Exact()
    adapter = GuardedAdapter(inner, gate, cost_of=cost_of)
    result = optimize(adapter, examples(3), tmp_path, max_metric_calls=12, frontier_type="hybrid")
    assert result.best_candidate == {"prompt": "Answer carefully."}
    spent, reserved = made.figures()
    assert (spent, reserved) == (inner.calls * CENT // 2, 0)
    assert len(log.rows) == 2 * inner.calls
    best = gate.fitness(agent_id_of(result.best_candidate))
    assert best.dimensions.effectiveness == 1
    assert best.dimensions.cost_efficiency == pytest.approx(2 / 3)


def test_gepa_ends_with_what_it_has_when_the_budget_refuses(
    gate: CostGate, made: Bank, tmp_path: Path
) -> None:
    inner = Exact()
    adapter = GuardedAdapter(inner, gate, cost_of=cost_of)
    result = optimize(adapter, examples(4, "0.02"), tmp_path)
    assert gate.refusal is not None
    assert adapter.stop(None)
    assert inner.calls == 5
    assert made.figures() == (10 * CENT, 0)
    assert result.best_candidate == {"prompt": "Answer."}


def test_gepa_gets_cost_efficiency_per_example_and_unknown_is_not_free(gate: CostGate, made: Bank) -> None:
    adapter = GuardedAdapter(Exact(), gate, cost_of=cost_of, workers=3)
    batch = [*examples(1, "0.01"), *examples(1, None), *examples(1, "0")]
    found = adapter.evaluate(batch, {"prompt": "carefully"}, capture_traces=True)
    assert [each["cost_efficiency"] for each in found.objective_scores] == pytest.approx([1 / 2, 1 / 3, 1])
    assert [each["effectiveness"] for each in found.objective_scores] == [1, 1, 1]
    assert len(found.outputs) == len(found.scores) == len(found.trajectories) == 3
    assert [output["cost"] for output in found.outputs] == ["0.01", None, "0"]
    assert made.figures() == (3 * CENT, 0)


def test_a_batch_that_the_budget_does_not_pay_for_raises(gate: CostGate, made: Bank) -> None:
    adapter = GuardedAdapter(Exact(), gate, cost_of=cost_of)
    with pytest.raises(CapReached):
        adapter.evaluate(examples(6, "0.02"), {"prompt": "x"})
    assert made.figures() == (10 * CENT, 0)


def test_scores_outside_of_the_scale_are_refused(gate: CostGate) -> None:
    adapter = GuardedAdapter(Exact(), gate, cost_of=cost_of, scale=Scale(2, 4))
    with pytest.raises(InvalidInput, match="outside of the scale"):
        adapter.evaluate(examples(1), {"prompt": "x"})
    with pytest.raises(InvalidInput, match="workers"):
        GuardedAdapter(Exact(), gate, cost_of=cost_of, workers=0)


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_metrics_get_our_figures_and_lose_their_own_money(gate: CostGate, made: Bank, tmp_path: Path) -> None:
    @guarded(gate)
    def evaluate(program_path: str) -> dict[str, Any]:
        return {"accuracy": 0.4, "speed": 0.6, "cost": 0.01, "tokens": 9}

    found = evaluate(write(tmp_path, "x = 1"))
    assert found["combined_score"] == 0.5
    assert found["cost_nano"] == CENT
    assert found["cost_efficiency"] == pytest.approx(1 / 3)
    assert "cost" not in found
    assert (found["accuracy"], found["speed"]) == (0.4, 0.6)
    assert made.figures() == (CENT, 0)


def test_our_fitness_can_be_what_is_selected_by(gate: CostGate, tmp_path: Path) -> None:
    @guarded(gate, objective="fitness", scale=Scale(0, 4))
    def evaluate(program_path: str) -> dict[str, Any]:
        return {"combined_score": 2.0, "cost": "0.01"}

    found = evaluate(write(tmp_path, "x = 1"))
    # Efficiency has no reference in this experiment: .4 and .3 remain, for .5 and 1/3.
    assert found["combined_score"] == found["fitness"] == pytest.approx((0.4 * 0.5 + 0.3 / 3) / 0.7)


def test_an_unknown_cost_has_no_figure_and_counts_as_its_bound(
    gate: CostGate, made: Bank, tmp_path: Path
) -> None:
    @guarded(gate)
    def evaluate(program_path: str) -> dict[str, Any]:
        return {"combined_score": 1.0}

    found = evaluate(write(tmp_path, "x = 1"))
    assert "cost_nano" not in found
    assert found["cost_efficiency"] == pytest.approx(1 / 3)
    assert made.figures() == (2 * CENT, 0)


def test_beyond_the_cap_a_program_is_not_evaluated(gate: CostGate, made: Bank, tmp_path: Path) -> None:
    calls: list[str] = []

    @guarded(gate)
    def evaluate(program_path: str) -> dict[str, Any]:
        calls.append(program_path)
        return {"combined_score": 1.0}

    found = [evaluate(write(tmp_path, f"x = {i}")) for i in range(6)]
    assert len(calls) == 5
    assert found[5]["combined_score"] == 0
    assert found[5][REFUSED_METRIC] == 1
    assert "Budget exceeded" in found[5]["error"]
    raising = guarded(gate, on_cap="raise")(lambda _path: {"combined_score": 1.0})
    with pytest.raises(CapReached):
        raising(write(tmp_path, "x = 7"))
    assert made.figures() == (10 * CENT, 0)


def test_failures_and_nonsense_are_paid_and_raised(gate: CostGate, made: Bank, tmp_path: Path) -> None:
    @guarded(gate)
    def fails(program_path: str) -> dict[str, Any]:
        message = "no answer"
        raise EvaluationFailed(message, cost_nano=CENT)

    with pytest.raises(EvaluationFailed):
        fails(write(tmp_path, "x = 1"))
    assert made.figures() == (CENT, 0)
    for answer in (None, {}, {"combined_score": 1.5}, {"combined_score": 1, "cost": "much"}):
        nonsense = guarded(gate)(lambda _path, answer=answer: answer)
        with pytest.raises(InvalidInput):
            nonsense(write(tmp_path, "x = 1"))
    assert made.figures() == (9 * CENT, 0)


def test_a_coroutine_is_refused_where_it_is_decorated(gate: CostGate) -> None:
    async def evaluate(program_path: str) -> dict[str, Any]:
        return {"combined_score": 1.0}

    with pytest.raises(InvalidInput, match="plain function"):
        guarded(gate)(evaluate)


def test_the_page_shows_wrappers_that_work(gate: CostGate, made: Bank, log: JsonLog, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "research.md").read_text(encoding="utf-8")
    study, wrapped, optimized = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(study, "study.py", "exec"), names)  # noqa: S102 - it is our own page
    scores = {
        agent: [names["evaluate"](how, task).score for task in names["TASKS"].values()]
        for agent, how in names["AGENTS"].items()
    }
    assert scores == {"careful": [1, 1, 1, 1], "quick": [1, 0, 0, 0]}

    with bank(100 * CENT) as other:
        other_names: dict[str, Any] = {"ledger": BankLedger(other), "log": JsonLog()}
        # Its budget is another one there: the bank has one, and pays for whoever names none.
        text = wrapped.replace('budget_id="search"', f'budget_id="{BUDGET}"')
        exec(compile(text, "docs/research.md", "exec"), other_names)  # noqa: S102 - as above
        found = other_names["evaluate"](write(tmp_path, "x = 1"))
        assert found["combined_score"] == found["fitness"]
        assert other.figures() == (12_300_000, 0)
        other_names["gate"].close()

    inner = Exact()
    said = {"adapter": inner, "gate": gate, "examples": examples(3, "0.02"), "reflect": reflect}
    exec(compile(optimized, "docs/research.md", "exec"), said)  # noqa: S102 - as above
    assert inner.calls == 5
    assert made.figures() == (10 * CENT, 0)
    assert len(log.rows) == 10


def test_metrics_are_combined_as_openevolve_does() -> None:
    assert combined({"a": 0.25, "b": 0.75, "ok": True, "text": "x", "cost": 9, "error": 0.0}) == 0.5
    with pytest.raises(InvalidInput):
        combined({"error": 0.0})
