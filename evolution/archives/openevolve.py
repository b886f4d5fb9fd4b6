"""openevolve's programs, as its checkpoints and databases hold them: one JSON object per program.

Read: id, parent_id, generation, metrics, metadata (island, migrant). The score is ``combined_score``, else
the mean of the numeric metrics, as openevolve itself has it; another metric can be named. A program whose
evaluation broke off (a text in ``error``, or no figure at all beside it) has no score: it failed. One that
was never evaluated (no metrics) has no evaluation. Money is unknown, except where a metric holds it:
``cost_nano`` as ``evolution.adapters.openevolve`` writes it, or the one that the caller names, in units.

A parent may be missing: openevolve drops programs from its population, and so from later checkpoints.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from evolution.archives.base import WHOLE, Archive, Collector, Fields, Notes, Scale
from evolution.errors import InvalidInput
from evolution.records import AgentNode, Evaluation, Operator

TASK: Final = "benchmark"
COST_METRIC: Final = "cost_nano"
"""Nano-units, written by our evaluator wrapper."""
NO_SCORES: Final = frozenset({COST_METRIC, "error", "timeout"})
MIGRANT: Final = "_migrant_"
"""Older versions (2025) name a migrant after the program that it is a copy of."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files do not say. ``cost_metric`` holds money in units of the experiment's currency."""

    score_metric: str | None = None
    cost_metric: str | None = None
    seconds_metric: str | None = None
    scale: Scale = WHOLE
    task_id: str = TASK


def read_openevolve(
    programs: Iterable[tuple[str, Mapping[str, Any]]], reading: Reading | None = None
) -> Archive:
    """Programs with the names of their files, in any order. Raises ``BadArchive``.

    JSON numbers may come as Decimals; money is then exact.
    """
    said, bad, notes = reading or Reading(), Collector(), Notes()
    nodes: list[AgentNode] = []
    evaluations: list[Evaluation] = []
    for name, program in programs:
        node = bad.read(name, program, _node)
        evaluation = bad.read(name, program, lambda each: _evaluation(each, said, notes))
        if node is not None:
            nodes.append(node)
        if evaluation is not None:
            evaluations.append(evaluation)
    bad.end()
    return Archive(tuple(nodes), tuple(evaluations), None, notes.texts())


def _node(program: Mapping[str, Any]) -> AgentNode:
    row = Fields(program)
    metadata = _map(program, "metadata")
    agent_id, parent = row.needed("id"), row.text("parent_id")
    island = metadata.get("island")
    operator = Operator.SEED if parent is None else Operator.MUTATION
    if _is_copy(program):
        operator = Operator.MIGRANT
    return AgentNode(
        agent_id,
        () if parent is None else (parent,),
        row.whole("generation") or 0,
        operator,
        None if island is None else str(island),
    )


def _is_copy(program: Mapping[str, Any]) -> bool:
    return _map(program, "metadata").get("migrant") is True or MIGRANT in str(program.get("id"))


def _evaluation(program: Mapping[str, Any], said: Reading, notes: Notes) -> Evaluation | None:
    metrics = _map(program, "metrics")
    if not metrics:
        notes.count("programs were never evaluated")
        return None
    figures = Fields(metrics)
    raw = _score(metrics, said)
    if raw is None:
        notes.count("programs failed without a score")
    cost_nano = figures.whole(COST_METRIC)
    if said.cost_metric is not None:
        cost_nano = figures.money(said.cost_metric)
    if _is_copy(program):
        # Its metrics are those of its original, whose evaluation was paid once.
        cost_nano = None
        notes.count("copies on other islands were not evaluated again: their cost is their originals'")
    elif cost_nano is None:
        notes.count("evaluations have an unknown cost")
    return Evaluation(
        Fields(program).needed("id"),
        said.task_id,
        None if raw is None else said.scale.fraction(raw),
        cost_nano,
        None if said.seconds_metric is None else figures.number(said.seconds_metric),
    )


def _score(metrics: Mapping[str, Any], said: Reading) -> float | None:
    error = metrics.get("error")
    if isinstance(error, str) and error:
        return None
    figures = Fields(metrics)
    if said.score_metric is not None:
        return figures.number(said.score_metric)
    if metrics.get("combined_score") is not None:
        return figures.number("combined_score")
    # A wrapper around a failure leaves `error: 0.0` alone: nothing of it is a score.
    numbers = [
        float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and name not in NO_SCORES
    ]
    if not numbers:
        return None
    mean = math.fsum(numbers) / len(numbers)
    if not math.isfinite(mean):
        raise InvalidInput("score: the mean of the metrics is not a finite number", field="score")
    return mean


def _map(program: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = program.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name}: not a JSON object", field=name)
    return cast("Mapping[str, Any]", value)
