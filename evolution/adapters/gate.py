"""A gate that evaluations pass one by one, when somebody else's loop decides what to evaluate.

What the runner does for its own plans: money for an evaluation is held before it starts, its outcome is
logged before it is paid, unknown cost is charged what was held. Where the budget does not pay, the evaluation
is not started. The ledger decides, so the cap holds for any number of gates in any number of processes.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final, Self, TypeVar

from evolution.errors import CapReached, InvalidInput
from evolution.outcome import OPERATION_ID, EvaluationFailed, Outcome
from evolution.ports import Bill, EvaluationLog, ExperimentLedger, Held, LogEntry, Refused
from evolution.records import Evaluation, Experiment, operation_id_of
from evolution.runner import Limits, Runner
from evolution.scoring import AgentFitness, score
from evolution.strategies.base import Job, Paid

TRIAL_BITS: Final = 48

T = TypeVar("T")
R = TypeVar("R")


def digest_of(*parts: str) -> str:
    """The name of something that is known by its content: 96 bits in hexadecimal."""
    text = "".join(f"{len(each)}:{each}" for each in parts)
    return blake2b(text.encode(), digest_size=12).hexdigest()


class CostGate:
    """One experiment's gate. The experiment needs its ``c0_nano``: fitness is read while the search runs.

    Calls come from any thread and block it. ``limits.hold_nano`` is the most that one evaluation can cost.
    Close it, or use it in a ``with``.
    """

    def __init__(
        self, experiment: Experiment, ledger: ExperimentLedger, log: EvaluationLog, limits: Limits
    ) -> None:
        if experiment.c0_nano is None:
            raise InvalidInput("a gate scores as it goes: declare c0_nano", field="c0_nano")
        self.experiment = experiment
        self.refusal: str | None = None
        """Why the ledger refused, once it has."""
        self._runner: Runner[object, object] = Runner(experiment, ledger, log, limits)
        self._seen: dict[str, list[Evaluation]] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        # The ledger's connections live on one loop, whichever thread asks.
        self._thread = threading.Thread(target=self._loop.run_forever, name="cost-gate", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its thread. Holds of evaluations that still run expire."""
        if not self._loop.is_closed():
            self._ask(_drain())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def evaluate(
        self, agent_id: str, task_id: str, work: Callable[[], R], outcome_of: Callable[[R], Outcome]
    ) -> tuple[R, Paid]:
        """Do the work between hold and payment; ``outcome_of`` reads score and cost from its result.

        Raises ``CapReached`` without having started. What the work raises is raised again once it is paid:
        ``EvaluationFailed`` with the cost that it tells, anything else at an unknown cost.
        """
        # Nobody here knows which trial it is: another process may evaluate the same program just now.
        job = Job(agent_id, task_id, secrets.randbits(TRIAL_BITS))
        name = operation_id_of(self.experiment.experiment_id, agent_id, task_id, job.trial)
        hold = self._ask(self._runner.reserve(name, job))
        if isinstance(hold, Refused):
            self.refusal = hold.message
            raise CapReached(f"not evaluated: {hold.message}")
        done: asyncio.Future[Outcome] = self._ask(_future())
        keeping = asyncio.run_coroutine_threadsafe(self._runner.keep(hold, done), self._loop)
        started = self._loop.time()
        result: R | None = None
        failure: Exception | None = None
        token = OPERATION_ID.set(name)
        try:
            result = work()
            outcome = outcome_of(result)
        except EvaluationFailed as error:
            failure = error
            outcome = Outcome(0.0, error.cost_nano, None, error.tokens, error.usages)
        except Exception as error:  # noqa: BLE001 - raised again once it is paid
            failure, outcome = error, Outcome(0.0)
        finally:
            OPERATION_ID.reset(token)
            # Kept no longer, whatever ended the work: an interrupted one's hold expires.
            self._loop.call_soon_threadsafe(_end, done)
            keeping.cancel()
        if outcome.seconds is None:
            outcome = replace(outcome, seconds=self._loop.time() - started)
        paid = self._pay(name, job, hold, outcome, failed=failure is not None)
        if failure is not None:
            raise failure
        return result, paid  # pyright: ignore[reportReturnType] - without a failure there is a result

    def fitness(self, agent_id: str) -> AgentFitness:
        """What is known of an agent in this process. An unknown cost counts as what was charged for it.

        Raises ``InvalidInput`` for an agent that has no evaluation here.
        """
        with self._lock:
            rows = list(self._seen.get(agent_id, ()))
        if not rows:
            raise InvalidInput(f"no evaluation of {agent_id!r} has passed this gate", field="agent_id")
        (found,) = score(rows, self.experiment)
        return found

    def _pay(self, name: str, job: Job, hold: Held, outcome: Outcome, *, failed: bool) -> Paid:
        evaluation = Evaluation(
            job.agent_id,
            job.task_id,
            outcome.score,
            None,
            outcome.seconds,
            outcome.tokens,
            trial=job.trial,
            operation_ids=tuple(f"{hold.key}/{i}" for i in range(max(len(outcome.usages), 1))),
        )
        bill = Bill(
            hold.key,
            job.agent_id,
            self.experiment.experiment_id,
            outcome.cost_nano,
            self.experiment.currency,
            failed,
            outcome.usages,
        )
        entry = LogEntry(self.experiment.experiment_id, name, evaluation, hold, bill)
        self._ask(self._runner.log(entry))
        settled = self._ask(self._runner.settle(entry))
        charged = 0 if settled.receipt is None else settled.receipt.charged_nano
        with self._lock:
            # What is held is an upper bound: a search that is told so is never told that unknown is free.
            self._seen.setdefault(job.agent_id, []).append(replace(settled.evaluation, cost_nano=charged))
        return Paid(settled.evaluation, charged)

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()


async def _future() -> asyncio.Future[Outcome]:
    return asyncio.get_running_loop().create_future()


async def _drain() -> None:
    """Whatever still keeps a hold alive ends now."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _end(done: "asyncio.Future[Outcome]") -> None:
    if not done.done():
        done.cancel()
