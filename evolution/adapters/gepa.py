"""GEPA: a ``GEPAAdapter`` with a cost cap, and cost efficiency among its objectives.

::

    guarded = GuardedAdapter(my_adapter, gate, cost_of=lambda example, output: output["cost"])
    gepa.optimize(
        ..., adapter=guarded, stop_callbacks=[guarded.stop], raise_on_exception=False, frontier_type="hybrid"
    )

Each example is one evaluation: reserved before, settled after. Where the budget does not pay,
``CapReached`` ends GEPA's iteration and ``stop`` ends the run; what was found until then is its result. The
calls of the reflection model are GEPA's own and do not pass this gate.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from evolution.adapters.gate import CostGate, digest_of
from evolution.archives.base import Scale, nano_of
from evolution.errors import InvalidInput
from evolution.outcome import Outcome

OBJECTIVES: Final = ("effectiveness", "cost_efficiency")

Money = str | int | Decimal | float | None
Batch = Any
"""GEPA's ``EvaluationBatch``: outputs, scores, trajectories, objective_scores."""


@dataclass(frozen=True, slots=True)
class _Done:
    batch: Batch
    score: float
    charged_nano: int


class GuardedAdapter:
    """Stands before the user's adapter and evaluates example by example, up to ``workers`` at once.

    ``cost_of(example, output)`` tells what an example cost, in units of the experiment's currency; None is
    unknown, and charged what was held. ``task_of`` names an example, else its content does. ``scale`` maps
    raw scores to [0, 1].
    """

    def __init__(
        self,
        adapter: Any,
        gate: CostGate,
        *,
        cost_of: Callable[[Any, Any], Money],
        task_of: Callable[[Any], str] | None = None,
        scale: Scale | None = None,
        workers: int = 1,
    ) -> None:
        if workers < 1:
            raise InvalidInput(f"workers ({workers}) must be at least 1", field="workers")
        self._adapter = adapter
        self._gate = gate
        self._cost_of = cost_of
        self._task_of = task_of or _by_content
        self._scale = scale or Scale()
        self._workers = workers
        self.propose_new_texts: Any = getattr(adapter, "propose_new_texts", None)
        """The user's own proposer, where there is one."""

    def stop(self, gepa_state: object) -> bool:  # noqa: ARG002 - GEPA's StopperProtocol hands its state over
        """Whether the budget has refused: give it to ``stop_callbacks``."""
        return self._gate.refusal is not None

    def evaluate(
        self,
        batch: Sequence[Any],
        candidate: dict[str, str],
        capture_traces: bool = False,  # noqa: FBT001, FBT002 - GEPA's signature
    ) -> Batch:
        """As the user's adapter, with ``objective_scores``. Raises ``CapReached``.

        What was evaluated before a refusal is paid, and lost to GEPA: half a batch is no batch.
        """
        if not batch:
            return self._adapter.evaluate(list(batch), candidate, capture_traces=capture_traces)
        agent_id = agent_id_of(candidate)

        def one(example: Any) -> _Done:
            found, paid = self._gate.evaluate(
                agent_id,
                self._task_of(example),
                lambda: self._adapter.evaluate([example], candidate, capture_traces=capture_traces),
                lambda answer: self._outcome(example, answer),
            )
            return _Done(found, paid.evaluation.score or 0.0, paid.charged_nano)

        if self._workers == 1:
            done = [one(example) for example in batch]
        else:
            with ThreadPoolExecutor(self._workers, thread_name_prefix="gepa-evaluate") as pool:
                done = list(pool.map(one, batch))
        return self._joined(done, capture_traces=capture_traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Batch, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The user's own."""
        return self._adapter.make_reflective_dataset(candidate, eval_batch, components_to_update)

    def _outcome(self, example: Any, answer: Batch) -> Outcome:
        if len(answer.scores) != 1 or len(answer.outputs) != 1:
            raise InvalidInput(
                f"one example gave {len(answer.scores)} scores and {len(answer.outputs)} outputs",
                field="scores",
            )
        cost = self._cost_of(example, answer.outputs[0])
        return Outcome(
            self._scale.fraction(float(answer.scores[0])),
            None if cost is None else nano_of(str(cost), "cost"),
        )

    def _joined(self, done: Sequence[_Done], *, capture_traces: bool) -> Batch:
        traces = [trace for each in done for trace in each.batch.trajectories or ()]
        objectives = [
            {**_own(each.batch), "effectiveness": each.score, "cost_efficiency": self._efficiency(each)}
            for each in done
        ]
        return replace(
            done[0].batch,
            outputs=[output for each in done for output in each.batch.outputs],
            scores=[value for each in done for value in each.batch.scores],
            trajectories=traces if capture_traces else None,
            objective_scores=objectives,
            **_calls(done),
        )

    def _efficiency(self, each: _Done) -> float:
        """s/(s + c/c0): GEPA's mean of it over examples is the normalisation ``per_task``.

        On what was charged, so that an unknown cost counts as its upper bound.
        """
        c0 = self._gate.experiment.c0_nano or 1
        return each.score / (each.score + each.charged_nano / c0) if each.score > 0 else 0.0


def agent_id_of(candidate: Mapping[str, str]) -> str:
    """A candidate is known by its texts."""
    parts = [part for name in sorted(candidate) for part in (name, candidate[name])]
    return f"candidate-{digest_of(*parts)}"


def _by_content(example: object) -> str:
    return f"example-{digest_of(repr(example))}"


def _own(batch: Batch) -> dict[str, float]:
    """Objectives that the user's adapter has already."""
    found = getattr(batch, "objective_scores", None)
    return dict(found[0]) if found else {}


def _calls(done: Sequence[_Done]) -> dict[str, int]:
    """Newer versions count metric calls apart; each example's are added up."""
    counts = [getattr(each.batch, "num_metric_calls", None) for each in done]
    known = [count for count in counts if count is not None]
    return {"num_metric_calls": sum(known)} if len(known) == len(done) else {}
