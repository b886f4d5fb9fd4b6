"""The runner on the real ledger: the cap holds, a crash costs nothing twice, unknown is never free."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.errors import InvalidInput, LedgerFailed
from evolution.outcome import OPERATION_ID, EvaluationFailed, Outcome
from evolution.ports import Bill, Held, HoldRequest, Lapsed, Receipt, Refused, Wait
from evolution.records import Experiment, operation_id_of
from evolution.runner import Limits, Progress, Runner, RunReport, Stop
from evolution.strategies.halving import SuccessiveHalving
from evolution.strategies.sweep import Sweep
from evolution.strategies.thompson import Thompson
from ledger.errors import NotFound, Unavailable
from tests.evolution.data import CENT
from tests.support.experiment_ledger import BUDGET, Bank, BankLedger, JsonLog, Mortal, bank
from tests.support.simulated_store import Crash

EXPERIMENT = Experiment("x", budget_id=BUDGET, c0_nano=CENT, seed=3)
AGENTS = {f"a{i}": i for i in range(4)}
TASKS = {f"t{i}": i for i in range(5)}


def cost_of(agent: int, task: int) -> int:
    return (agent * 7 + task * 3) % 10 * CENT // 10


def evaluate(agent: int, task: int) -> Outcome:
    return Outcome(float((agent + task) % 2), cost_of(agent, task), seconds=1.0, tokens=10)


async def slowly(agent: int, task: int) -> Outcome:
    for _ in range(random.randrange(4)):
        await asyncio.sleep(0)
    return evaluate(agent, task)


def runner(
    ledger: Any, log: Any, progress: Callable[[Progress], None] | None = None, **said: Any
) -> Runner[Any, Any]:
    words: dict[str, Any] = {"hold_nano": CENT, "retry_seconds": 0.0, **said}
    return Runner(EXPERIMENT, ledger, log, Limits(**words), progress)


def sweep(bank: Bank, log: JsonLog | None = None, work: Any = evaluate, **said: Any) -> RunReport:
    return runner(BankLedger(bank), log or JsonLog(), **said).run_blocking(Sweep(), AGENTS, TASKS, work)


TOTAL = sum(cost_of(agent, task) for agent in AGENTS.values() for task in TASKS.values())


@pytest.mark.parametrize("work", [evaluate, slowly])
def test_every_evaluation_is_paid_once_and_nothing_stays_held(work: Any) -> None:
    with bank(100 * CENT) as made:
        report = sweep(made, work=work)
        assert (report.stop, len(report.evaluations), report.rounds) == (Stop.DONE, 20, 1)
        assert made.figures() == (TOTAL, 0)
        assert report.spent_nano == TOTAL
        assert [each.cost_nano for each in report.evaluations] == [
            cost_of(agent, task) for agent in AGENTS.values() for task in TASKS.values()
        ]
        assert len(made.store.usages) == 20


def test_a_function_runs_in_threads_side_by_side() -> None:
    barrier = threading.Barrier(8, timeout=30)

    def together(agent: int, task: int) -> Outcome:
        if task < 2:
            barrier.wait()
        return evaluate(agent, task)

    with bank(100 * CENT) as made:
        assert len(sweep(made, work=together).evaluations) == 20


def test_never_more_are_in_flight_than_there_are_workers() -> None:
    flying, most = 0, 0

    async def counted(agent: int, task: int) -> Outcome:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.02)
        flying -= 1
        return evaluate(agent, task)

    with bank(100 * CENT) as made:
        sweep(made, work=counted, workers=3)
    assert most == 3


@given(st.lists(st.integers(0, 10), min_size=20, max_size=20), st.integers(0, 150), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_the_cap_holds_and_where_a_run_stops_does_not_depend_on_the_workers(
    costs: list[int], budget: int, workers: int
) -> None:
    async def priced(agent: int, task: int) -> Outcome:
        await slowly(agent, task)
        return Outcome(1.0, costs[task * 4 + agent])

    spent, admitted = 0, 0
    # In the order of the jobs: the first whose hold does not fit beside what was spent ends the run.
    for cost in costs:
        if spent + 10 > budget:
            break
        spent, admitted = spent + cost, admitted + 1
    with bank(budget) as made:
        report = sweep(made, work=priced, hold_nano=10, workers=workers)
        assert made.figures() == (spent, 0)
    assert len(report.evaluations) == admitted
    assert report.stop is (Stop.DONE if admitted == 20 else Stop.BUDGET)
    assert (report.refused is None) == (admitted == 20)
    assert spent <= budget


def test_a_refusal_names_the_job_and_the_limit() -> None:
    with bank(2 * CENT) as made:
        report = sweep(made, work=lambda *_: Outcome(1.0, CENT), workers=1)
    assert (report.stop, len(report.evaluations), report.spent_nano) == (Stop.BUDGET, 2, 2 * CENT)
    assert report.refused is not None
    assert (report.refused.agent_id, report.refused.task_id) == ("a2", "t0")
    assert report.message


def test_an_unknown_cost_is_charged_what_was_held_and_stays_unknown() -> None:
    with bank(100 * CENT) as made:
        report = sweep(made, work=lambda *_: Outcome(1.0))
        assert made.figures() == (20 * CENT, 0)
    assert {each.cost_nano for each in report.evaluations} == {None}
    assert report.spent_nano == 20 * CENT


def test_dspy_10161_the_cap_fires_where_the_price_is_unknown() -> None:
    with bank(4 * CENT) as made:
        report = sweep(made, work=lambda *_: Outcome(1.0))
        assert (report.stop, len(report.evaluations)) == (Stop.BUDGET, 4)
        assert made.figures() == (4 * CENT, 0)


def test_a_failure_is_a_score_of_0_with_its_cost_or_with_what_was_held() -> None:
    def failing(agent: int, task: int) -> Outcome:
        if agent == 0:
            raise EvaluationFailed("timeout", cost_nano=CENT // 10, tokens=7)
        raise RuntimeError("bug")

    with bank(100 * CENT) as made:
        report = sweep(made, work=failing)
        assert made.figures() == (5 * CENT // 10 + 15 * CENT, 0)
    assert (report.failed, {each.score for each in report.evaluations}) == (20, {0.0})
    assert Counter(each.cost_nano for each in report.evaluations) == {CENT // 10: 5, None: 15}


def test_usages_are_priced_by_the_ledger_and_named_by_the_evaluation() -> None:
    usages = tuple({"prompt_tokens": 5, "provider_cost": each} for each in ("0.001", "0.002"))
    with bank(100 * CENT) as made:
        report = sweep(made, work=lambda *_: Outcome(1.0, usages=usages))
        assert made.figures() == (20 * 3_000_000, 0)
        named = {f"t/{name}" for each in report.evaluations for name in each.operation_ids}
        assert named == set(made.store.usages)
    assert {each.cost_nano for each in report.evaluations} == {3_000_000}


def test_what_costs_more_than_its_hold_is_charged_and_reported() -> None:
    with bank(100 * CENT) as made:
        report = sweep(made, work=lambda *_: Outcome(1.0, 2 * CENT))
        assert made.figures() == (40 * CENT, 0)
    assert report.overrun_nano == 20 * CENT


def test_running_again_pays_and_evaluates_nothing() -> None:
    log, ran = JsonLog(), list[int]()

    def counted(agent: int, task: int) -> Outcome:
        ran.append(task)
        return evaluate(agent, task)

    with bank(100 * CENT) as made:
        first = sweep(made, log, counted)
        again = sweep(made, log, counted)
        assert made.figures() == (TOTAL, 0)
    assert len(ran) == 20
    assert again == replace(first, resumed=20)


@given(st.integers(0, 80), st.booleans(), st.booleans(), st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_a_crash_at_any_step_costs_nothing_twice(
    steps: int, after: bool, expired: bool, workers: int
) -> None:
    log, ran = JsonLog(), Counter[tuple[int, int]]()

    async def counted(agent: int, task: int) -> Outcome:
        ran[agent, task] += 1
        return await slowly(agent, task)

    with bank(20 * CENT) as made:
        mortal = Mortal(BankLedger(made), log, steps, after=after)
        try:
            runner(mortal, mortal, workers=workers).run_blocking(Sweep(), AGENTS, TASKS, counted)
        except Crash:
            if expired:
                made.later(301)
        report = sweep(made, log, counted, workers=workers)
        assert made.figures() == (TOTAL, 0)
        assert len(made.store.usages) == 20
    assert (report.stop, len(report.evaluations), report.spent_nano) == (Stop.DONE, 20, TOTAL)
    # Only what was in flight without an outcome is evaluated again.
    assert sum(ran.values()) <= 20 + workers


@pytest.mark.parametrize(
    "strategy", [SuccessiveHalving(), Thompson(CENT, batch=4)], ids=lambda each: each.name
)
def test_an_adaptive_run_that_crashed_comes_out_as_if_it_had_not(strategy: Any) -> None:
    async def go(ledger: Any, log: Any, workers: int) -> RunReport:
        made = runner(ledger, log, workers=workers)
        return await made.run(strategy, AGENTS, TASKS, slowly, budget_nano=30 * CENT)

    with bank(30 * CENT) as made:
        whole = asyncio.run(go(BankLedger(made), JsonLog(), 1))
        spent = made.figures()
    for steps in (7, 40, 90):
        with bank(30 * CENT) as made:
            log = JsonLog()
            mortal = Mortal(BankLedger(made), log, steps, after=True)
            with pytest.raises(Crash):
                asyncio.run(go(mortal, mortal, 8))
            again = asyncio.run(go(BankLedger(made), log, 5))
            assert made.figures() == spent
        assert replace(again, resumed=0) == whole


def test_a_hold_outlives_a_long_evaluation() -> None:
    extended: list[str] = []
    kept = asyncio.Event()

    class Watched(BankLedger):
        async def extend(self, hold: Held, ttl_seconds: int) -> None:
            extended.append(hold.key)
            await super().extend(hold, ttl_seconds)
            kept.set()

    async def until_extended(agent: int, task: int) -> Outcome:
        await kept.wait()
        return evaluate(agent, task)

    with bank(100 * CENT) as made:
        alone = runner(Watched(made), JsonLog(), ttl_seconds=1)
        report = alone.run_blocking(Sweep(), {"a0": 0}, {"t0": 0}, until_extended)
    assert len(report.evaluations) == 1
    assert set(extended) == {operation_id_of("x", "a0", "t0")}


class Flaky(BankLedger):
    """Fails before and after each call, so many times each; the first reservation is told to wait."""

    def __init__(self, bank: Bank, failures: int) -> None:
        super().__init__(bank)
        self._left = {"reserve": failures, "settle": failures, "lost": failures}
        self._waited = False

    def _fail(self, what: str) -> None:
        if self._left[what]:
            self._left[what] -= 1
            raise Unavailable("no commit was confirmed")

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        self._fail("reserve")
        if not self._waited:
            self._waited = True
            return Wait(0.0)
        return await super().reserve(request)

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        self._fail("settle")
        receipt = await super().settle(hold, bill)
        self._fail("lost")
        return receipt


def test_a_ledger_that_recovers_is_asked_again() -> None:
    with bank(100 * CENT) as made:
        report = runner(Flaky(made, 3), JsonLog(), workers=1).run_blocking(Sweep(), AGENTS, TASKS, evaluate)
        assert made.figures() == (TOTAL, 0)
    assert report.stop is Stop.DONE


def test_a_ledger_that_does_not_recover_ends_the_run_and_loses_nothing() -> None:
    log = JsonLog()
    with bank(100 * CENT) as made:
        with pytest.raises(LedgerFailed) as error:
            runner(Flaky(made, 1_000), log).run_blocking(Sweep(), AGENTS, TASKS, evaluate)
        assert error.value.retryable
        sweep(made, log)
        assert made.figures() == (TOTAL, 0)


def test_other_errors_of_the_ledger_are_the_callers() -> None:
    nowhere = replace(EXPERIMENT, budget_id="nowhere")
    with bank(CENT) as made:
        stranger: Runner[int, int] = Runner(nowhere, BankLedger(made), JsonLog(), Limits(CENT))
        with pytest.raises(NotFound):
            stranger.run_blocking(Sweep(), AGENTS, TASKS, evaluate)


def test_nonsense_from_evaluate_ends_the_run() -> None:
    for nonsense in (lambda *_: 0.5, lambda *_: Outcome(2.0)):
        with bank(100 * CENT) as made, pytest.raises(InvalidInput):
            sweep(made, work=nonsense)


def test_progress_is_told_and_may_fail() -> None:
    told: list[Progress] = []

    def listen(progress: Progress) -> None:
        told.append(progress)
        raise RuntimeError("a broken listener")

    with bank(100 * CENT) as made:
        report = sweep(made, progress=listen)
    assert [each.done for each in told] == list(range(1, 21))
    assert told[-1].spent_nano == TOTAL
    assert {each.last for each in told} == set(report.evaluations)


def test_cancelling_leaves_holds_for_whoever_resumes() -> None:
    log = JsonLog()

    started = asyncio.Semaphore(0)

    async def endless(agent: int, task: int) -> Outcome:
        started.release()
        await asyncio.Event().wait()
        return evaluate(agent, task)

    async def cancelled(made: Bank) -> None:
        run = asyncio.create_task(runner(BankLedger(made), log).run(Sweep(), AGENTS, TASKS, endless))
        for _ in range(8):
            await started.acquire()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    with bank(100 * CENT) as made:
        asyncio.run(cancelled(made))
        assert made.figures() == (0, 8 * CENT)
        sweep(made, log)
        assert made.figures() == (TOTAL, 0)


def test_an_evaluation_knows_its_operation_id_in_threads_too() -> None:
    seen: set[str] = set()

    def look(agent: int, task: int) -> Outcome:
        seen.add(OPERATION_ID.get())
        return evaluate(agent, task)

    with bank(100 * CENT) as made:
        sweep(made, work=look)
    assert seen == {operation_id_of("x", agent, task) for agent in AGENTS for task in TASKS}


@pytest.mark.parametrize(
    "said",
    [{"hold_nano": -1}, {"workers": 0}, {"workers": 1_001}, {"ttl_seconds": 0}, {"retry_seconds": -1.0}],
)
def test_impossible_limits_are_errors(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Limits(**{"hold_nano": 1, **said})
