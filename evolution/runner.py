"""Runs an experiment under a budget: every evaluation is reserved before and settled after, in the ledger.

So the cap holds with any number of workers in flight. What an evaluation gave is logged before it is settled,
and is paid under an id that never changes: after a crash, running again pays nothing twice and evaluates
only what has no outcome yet. The runner knows nothing but its ports.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Generic, TypeVar

import numpy as np

from evolution.checks import check_nano
from evolution.errors import EvolutionError, InvalidInput, LedgerFailed
from evolution.outcome import OPERATION_ID, EvaluationFailed, Outcome
from evolution.ports import (
    Bill,
    EvaluationLog,
    ExperimentLedger,
    Held,
    HoldRequest,
    Lapsed,
    LogEntry,
    Receipt,
    Refused,
    Wait,
)
from evolution.records import Evaluation, Experiment, operation_id_of
from evolution.strategies.base import Contest, Job, Paid, Plan, Strategy

WORKERS_MAX: Final = 1_000
ATTEMPTS_MAX: Final = 100
TRIES_MAX: Final = 8

A = TypeVar("A")
T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class Stop(StrEnum):
    """Why a run ended."""

    DONE = "done"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. ``resumed`` of the ``done`` were paid before it began."""

    done: int
    resumed: int
    failed: int
    in_flight: int
    spent_nano: int
    last: Evaluation


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run gave. ``spent_nano`` is what the budget was charged for these evaluations, in all runs."""

    stop: Stop
    evaluations: tuple[Evaluation, ...]
    spent_nano: int
    overrun_nano: int
    resumed: int
    failed: int
    rounds: int
    refused: Job | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How a run behaves. ``hold_nano`` is the most that one evaluation can cost: what is held for each."""

    hold_nano: int
    workers: int = 8
    ttl_seconds: int = 300
    """How long a hold outlives a runner that died; it is extended while its evaluation runs."""
    retry_seconds: float = 0.1
    """The first pause before the ledger is asked again; it doubles."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_nano(self.hold_nano, "hold_nano")
        if not 1 <= self.workers <= WORKERS_MAX or self.ttl_seconds < 1 or self.retry_seconds < 0:
            raise InvalidInput(f"workers must be 1 to {WORKERS_MAX}, ttl_seconds at least 1", field="workers")


Evaluate = Callable[[A, T], Outcome | Awaitable[Outcome]]


class Runner(Generic[A, T]):
    """One experiment's runner. ``evaluate`` is a function (run in threads) or a coroutine function."""

    def __init__(
        self,
        experiment: Experiment,
        ledger: ExperimentLedger,
        log: EvaluationLog,
        limits: Limits,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._experiment = experiment
        self._ledger = ledger
        self._log = log
        self._limits = limits
        self._progress = progress

    def run_blocking(
        self, strategy: Strategy, agents: Mapping[str, A], tasks: Mapping[str, T], evaluate: Evaluate[A, T]
    ) -> RunReport:
        """As ``run``, for callers without an event loop."""
        return asyncio.run(self.run(strategy, agents, tasks, evaluate))

    async def run(
        self,
        strategy: Strategy,
        agents: Mapping[str, A],
        tasks: Mapping[str, T],
        evaluate: Evaluate[A, T],
        budget_nano: int | None = None,
    ) -> RunReport:
        """Carry the strategy's rounds out until it is done or the ledger refuses.

        ``budget_nano`` is what the strategy plans with; the cap is the ledger's. A refusal is final only with
        nothing in flight, since what settles gives back what it did not need: so where a run stops does not
        depend on who was quick. Raises ``LedgerFailed`` where the ledger gives no answer, ``InvalidInput``
        where ``evaluate`` answers nonsense; what is in flight is finished and paid before.
        """
        contest = Contest.of(agents, list(tasks), budget_nano)
        known = {entry.operation_id: entry for entry in await self._log.load(self._experiment.experiment_id)}
        pool = ThreadPoolExecutor(self._limits.workers, thread_name_prefix="evaluate")
        run = _Run(self, known, agents, tasks, evaluate, pool)
        plan = strategy.plan(contest, np.random.default_rng(self._experiment.seed))
        try:
            jobs = next(plan, None)
            while jobs is not None:
                paid = await run.round(jobs)
                jobs = None if run.refused is not None else _sent(plan, paid)
        finally:
            plan.close()
            # Whoever cancels a run does not wait for threads that nobody can stop.
            pool.shutdown(wait=False, cancel_futures=True)
        return run.report()

    async def patiently(self, ask: Callable[[], Awaitable[R]]) -> R:
        """Ask the ledger or the log, again while its error says that this may help."""
        pause = self._limits.retry_seconds
        for left in reversed(range(TRIES_MAX)):
            try:
                return await ask()
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                if not left:
                    raise LedgerFailed(f"the ledger gave no answer in {TRIES_MAX} tries: {error}") from error
                await asyncio.sleep(pause)
                pause *= 2
        raise AssertionError

    async def reserve(self, operation_id: str, job: Job) -> Held | Refused:
        """Hold money for a job. A hold that lapsed (its runner died) is followed by one of the next key."""
        for attempt in range(ATTEMPTS_MAX):
            request = HoldRequest(
                operation_id if not attempt else f"{operation_id}~{attempt}",
                job.agent_id,
                self._experiment.budget_id,
                self._limits.hold_nano,
                self._limits.ttl_seconds,
            )
            answer = await self.patiently(lambda request=request: self._ledger.reserve(request))
            while isinstance(answer, Wait):
                await asyncio.sleep(answer.seconds)
                answer = await self.patiently(lambda request=request: self._ledger.reserve(request))
            if not isinstance(answer, Lapsed):
                return answer
        raise LedgerFailed(f"{ATTEMPTS_MAX} holds of {operation_id} have lapsed")

    async def settle(self, entry: LogEntry) -> LogEntry:
        """Pay what is logged, and log that it is paid."""
        receipt = await self.patiently(lambda: self._ledger.settle(entry.hold, entry.bill))
        paid = replace(
            entry, receipt=receipt, evaluation=replace(entry.evaluation, cost_nano=receipt.cost_nano)
        )
        await self.patiently(lambda: self._log.append(paid))
        return paid

    async def log(self, entry: LogEntry) -> None:
        """Keep an outcome before it is paid."""
        await self.patiently(lambda: self._log.append(entry))

    async def keep(self, hold: Held, work: "asyncio.Future[Outcome]") -> Outcome:
        """Wait for an evaluation, and keep its hold alive meanwhile."""
        while True:
            done, _ = await asyncio.wait({work}, timeout=self._limits.ttl_seconds / 3)
            if done:
                return work.result()
            await self.patiently(lambda: self._ledger.extend(hold, self._limits.ttl_seconds))

    @property
    def experiment(self) -> Experiment:
        """Whose run it is."""
        return self._experiment

    @property
    def workers(self) -> int:
        """How many evaluations may be in flight."""
        return self._limits.workers

    def tell(self, progress: Progress) -> None:
        """Report; a callback that fails changes nothing about what is paid."""
        if self._progress is not None:
            try:
                self._progress(progress)
            except Exception:
                logger.exception("a progress callback failed")


class _Run(Generic[A, T]):
    """The state of one call of ``run``."""

    def __init__(
        self,
        runner: Runner[A, T],
        known: dict[str, LogEntry],
        agents: Mapping[str, A],
        tasks: Mapping[str, T],
        evaluate: Evaluate[A, T],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._runner = runner
        self._known = known
        self._agents = agents
        self._tasks = tasks
        self._evaluate = evaluate
        self._pool = pool
        self._paid_before = {name for name, entry in known.items() if entry.receipt is not None}
        self._done: dict[str, LogEntry] = {}
        self._flying: set[asyncio.Task[None]] = set()
        self._rounds = 0
        self._spent_nano = 0
        self._resumed = 0
        self._failed = 0
        self.refused: tuple[Job, str] | None = None

    def report(self) -> RunReport:
        entries = [
            self._done[name] for name in sorted(self._done, key=lambda name: self._done[name].evaluation.key)
        ]
        job, message = self.refused or (None, None)
        return RunReport(
            Stop.DONE if job is None else Stop.BUDGET,
            tuple(entry.evaluation for entry in entries),
            self._spent_nano,
            sum(_receipt(entry).overrun_nano for entry in entries),
            self._resumed,
            self._failed,
            self._rounds,
            job,
            message,
        )

    async def round(self, jobs: list[Job]) -> list[Paid]:
        """Carry out jobs, at most ``workers`` at once; money is asked for in the order of the jobs."""
        self._rounds += 1
        try:
            for job in jobs:
                if not await self._start(job):
                    break
            await self._land(all_of_them=True)
        except BaseException as error:
            # Somebody's money is in flight: what runs is finished and paid, unless we are cancelled. Then its
            # holds stay, for whoever resumes before they expire.
            if isinstance(error, asyncio.CancelledError):
                for task in self._flying:
                    task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            raise
        names = [self._name(job) for job in jobs]
        return [
            Paid(self._done[name].evaluation, _receipt(self._done[name]).charged_nano)
            for name in names
            if name in self._done
        ]

    def _name(self, job: Job) -> str:
        return operation_id_of(self._runner.experiment.experiment_id, job.agent_id, job.task_id, job.trial)

    async def _start(self, job: Job) -> bool:
        name = self._name(job)
        if name in self._done:
            return True
        entry = self._known.get(name)
        if entry is not None:
            # Paid, or its outcome was logged by a run that died before it paid: no new evaluation.
            self._finish(name, entry if entry.receipt is not None else await self._runner.settle(entry))
            return True
        while len(self._flying) >= self._runner.workers:
            await self._land()
        while isinstance(answer := await self._runner.reserve(name, job), Refused):
            if not self._flying:
                self.refused = (job, answer.message)
                return False
            await self._land()
        self._flying.add(asyncio.create_task(self._work(name, job, answer)))
        return True

    async def _land(self, *, all_of_them: bool = False) -> None:
        """Wait for the next evaluation to be paid, or for all; raise what one of them raised."""
        if self._flying:
            done, self._flying = await asyncio.wait(
                self._flying,
                return_when=asyncio.ALL_COMPLETED if all_of_them else asyncio.FIRST_COMPLETED,
            )
            # All are looked at, so that no error is lost without a word; the first one is raised.
            for error in [task.exception() for task in done]:
                if error is not None:
                    raise error

    async def _work(self, name: str, job: Job, hold: Held) -> None:
        started = time.monotonic()
        outcome, failed = await self._outcome(name, job, hold)
        seconds = time.monotonic() - started if outcome.seconds is None else outcome.seconds
        experiment = self._runner.experiment
        evaluation = Evaluation(
            job.agent_id,
            job.task_id,
            outcome.score,
            None,
            seconds,
            outcome.tokens,
            trial=job.trial,
            operation_ids=tuple(f"{hold.key}/{i}" for i in range(max(len(outcome.usages), 1))),
        )
        bill = Bill(
            hold.key,
            job.agent_id,
            experiment.experiment_id,
            outcome.cost_nano,
            experiment.currency,
            failed,
            outcome.usages,
        )
        entry = LogEntry(experiment.experiment_id, name, evaluation, hold, bill)
        await self._runner.log(entry)
        self._finish(name, await self._runner.settle(entry))

    async def _outcome(self, name: str, job: Job, hold: Held) -> tuple[Outcome, bool]:
        work = asyncio.ensure_future(self._call(name, job))
        try:
            return await self._runner.keep(hold, work), False
        except EvaluationFailed as error:
            return Outcome(0.0, error.cost_nano, None, error.tokens, error.usages), True
        except EvolutionError:
            raise
        except Exception:
            logger.warning("evaluating %s on %s failed", job.agent_id, job.task_id, exc_info=True)
            return Outcome(0.0), True
        finally:
            work.cancel()

    async def _call(self, name: str, job: Job) -> Outcome:
        OPERATION_ID.set(name)
        agent, task = self._agents[job.agent_id], self._tasks[job.task_id]
        if inspect.iscoroutinefunction(self._evaluate):
            answer = self._evaluate(agent, task)
        else:
            context = copy_context()
            answer = await asyncio.get_running_loop().run_in_executor(
                self._pool, lambda: context.run(self._evaluate, agent, task)
            )
        outcome: object = await answer if inspect.isawaitable(answer) else answer
        if not isinstance(outcome, Outcome):
            raise InvalidInput(
                f"evaluate answered a {type(outcome).__name__}, not an Outcome", field="evaluate"
            )
        return outcome

    def _finish(self, name: str, entry: LogEntry) -> None:
        self._done[name] = entry
        self._spent_nano += _receipt(entry).charged_nano
        self._resumed += name in self._paid_before
        self._failed += entry.bill.failed
        self._runner.tell(
            Progress(
                len(self._done),
                self._resumed,
                self._failed,
                len(self._flying),
                self._spent_nano,
                entry.evaluation,
            )
        )


def _sent(plan: Plan, paid: list[Paid]) -> list[Job] | None:
    try:
        return plan.send(paid)
    except StopIteration:
        return None


def _receipt(entry: LogEntry) -> Receipt:
    if entry.receipt is None:
        raise AssertionError(f"{entry.operation_id} is taken for paid and is not")
    return entry.receipt
