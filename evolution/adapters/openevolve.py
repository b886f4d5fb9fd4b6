"""openevolve: its evaluator with a cost cap, and fitness that counts money among its metrics.

::

    gate = CostGate(experiment, ledger, log, Limits(hold_nano=50_000_000))


    @guarded(gate)
    def evaluate(program_path):
        ...
        return {"combined_score": 0.7, "cost": "0.0123"}

Each evaluation is reserved before and settled after. What is added to the metrics: ``cost_efficiency``,
``fitness`` (the experiment's aggregate), ``cost_nano`` where the cost is known. Beyond the cap nothing is
evaluated: the program gets score 0 and ``cost_cap_reached``. The calls that write programs are openevolve's
own, and not evaluations: they do not pass this gate.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass, replace
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, cast

from evolution.adapters.gate import CostGate, digest_of
from evolution.archives.base import Scale, nano_of
from evolution.archives.openevolve import COST_METRIC, NO_SCORES, TASK
from evolution.errors import CapReached, InvalidInput
from evolution.outcome import Outcome
from evolution.scoring import AgentFitness
from evolution.strategies.base import Paid

REFUSED_METRIC: Final = "cost_cap_reached"
OURS: Final = frozenset({"cost", "tokens", "seconds", "cost_efficiency", "fitness", *NO_SCORES})

Metrics = Mapping[str, Any]
Evaluate = Callable[..., Any]


def read_metrics(metrics: Metrics, scale: Scale | None = None) -> Outcome:
    """Score from ``combined_score`` (else the mean of the numeric metrics), money from ``cost`` in units.

    ``cost`` may be text, a Decimal or a number; without it the cost is unknown. ``tokens`` and ``seconds``
    are taken where they are.
    """
    cost, tokens, seconds = metrics.get("cost"), metrics.get("tokens"), metrics.get("seconds")
    return Outcome(
        (scale or Scale()).fraction(combined(metrics)),
        None if cost is None else nano_of(str(cost), "cost"),
        None if seconds is None else float(seconds),
        None if tokens is None else int(tokens),
    )


def combined(metrics: Metrics) -> float:
    """Metrics as one score, as openevolve itself reads them. Raises ``InvalidInput`` where there is none."""
    if (said := metrics.get("combined_score")) is not None:
        return float(said)
    numbers = [
        float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and name not in OURS
    ]
    if not numbers:
        raise InvalidInput("the evaluator gave no score: no combined_score and no number", field="score")
    return math.fsum(numbers) / len(numbers)


def guarded(
    gate: CostGate,
    *,
    objective: Literal["score", "fitness"] = "score",
    scale: Scale | None = None,
    outcome_of: Callable[[Metrics], Outcome] | None = None,
    task_id: str = TASK,
    agent_of: Callable[[str], str] | None = None,
    on_cap: Literal["metrics", "raise"] = "metrics",
) -> Callable[[Evaluate], Evaluate]:
    """A decorator of ``evaluate(program_path, …)``, or of one stage of a cascade with its own ``task_id``.

    ``objective`` says what ``combined_score``, by which openevolve selects, is: the evaluator's score or our
    fitness. ``scale`` maps raw scores to [0, 1]; ``outcome_of`` reads metrics in another way altogether. An
    agent is named by its program's text, unless ``agent_of`` names it by its path. ``on_cap="raise"`` raises
    ``CapReached`` (openevolve then tries again, and gives up).
    """
    name_of = agent_of or _by_content

    def read(metrics: Metrics) -> Outcome:
        return read_metrics(metrics, scale) if outcome_of is None else outcome_of(metrics)

    def wrap(evaluate: Evaluate) -> Evaluate:
        if inspect.iscoroutinefunction(evaluate):
            raise InvalidInput("openevolve evaluates in threads: give a plain function", field="evaluate")

        @wraps(evaluate)
        def guarded_evaluate(program_path: str, *arguments: Any, **named: Any) -> Any:
            agent_id = name_of(program_path)
            try:
                answer, paid = gate.evaluate(
                    agent_id,
                    task_id,
                    lambda: evaluate(program_path, *arguments, **named),
                    lambda answer: read(_metrics(answer)),
                )
            except CapReached as error:
                if on_cap == "raise":
                    raise
                return {"combined_score": 0.0, REFUSED_METRIC: 1.0, "error": error.message}
            return _with_metrics(answer, _scored(_metrics(answer), paid, gate.fitness(agent_id), objective))

        return guarded_evaluate

    return wrap


def _scored(metrics: Metrics, paid: Paid, found: AgentFitness, objective: str) -> dict[str, Any]:
    """The evaluator's metrics with ours. Its ``cost`` would be averaged into scores; ours is exact."""
    said = {name: value for name, value in metrics.items() if name != "cost"}
    said["combined_score"] = combined(metrics)
    if paid.evaluation.cost_nano is not None:
        said[COST_METRIC] = paid.evaluation.cost_nano
    if found.dimensions.cost_efficiency is not None:
        said["cost_efficiency"] = found.dimensions.cost_efficiency
    if found.overall.value is not None:
        said["fitness"] = found.overall.value
        if objective == "fitness":
            said["combined_score"] = found.overall.value
    return said


def _by_content(program_path: str) -> str:
    return f"program-{digest_of(Path(program_path).read_text(encoding='utf-8', errors='replace'))}"


def _metrics(answer: Any) -> Metrics:
    """A map, or openevolve's ``EvaluationResult`` that holds one."""
    for found in (answer, getattr(answer, "metrics", None)):
        if isinstance(found, Mapping):
            return cast("Metrics", found)
    raise InvalidInput(f"the evaluator answered a {type(answer).__name__}, not metrics", field="evaluate")


def _with_metrics(answer: Any, metrics: dict[str, Any]) -> Any:
    if is_dataclass(answer) and not isinstance(answer, type):
        return replace(answer, metrics=metrics)  # pyright: ignore[reportCallIssue] - its field, we have read it
    return metrics
