"""The gate: what passes it is held before and paid after; beyond the cap nothing is started."""

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from evolution.adapters.gate import CostGate, digest_of
from evolution.errors import CapReached, InvalidInput
from evolution.outcome import OPERATION_ID, EvaluationFailed, Outcome
from evolution.records import Experiment
from evolution.runner import Limits
from tests.evolution.data import CENT
from tests.support.experiment_ledger import BUDGET, Bank, BankLedger, JsonLog, bank

EXPERIMENT = Experiment("x", budget_id=BUDGET, c0_nano=CENT)


@pytest.fixture
def made() -> Generator[Bank]:
    with bank(10 * CENT) as made:
        yield made


def gate(
    made: Bank, log: JsonLog | None = None, hold_nano: int = 2 * CENT, ttl_seconds: int = 300
) -> CostGate:
    limits = Limits(hold_nano, ttl_seconds=ttl_seconds, retry_seconds=0.0)
    return CostGate(EXPERIMENT, BankLedger(made), log or JsonLog(), limits)


def test_work_is_held_for_and_paid_with_what_it_cost(made: Bank) -> None:
    log = JsonLog()
    with gate(made, log) as open_gate:

        def work() -> str:
            assert made.figures() == (0, 2 * CENT)
            assert OPERATION_ID.get().startswith("evo-")
            return "result"

        result, paid = open_gate.evaluate("a", "t", work, lambda _: Outcome(0.5, CENT, tokens=7))
    assert result == "result"
    assert made.figures() == (CENT, 0)
    assert (paid.charged_nano, paid.evaluation.cost_nano, paid.evaluation.tokens) == (CENT, CENT, 7)
    assert paid.evaluation.seconds is not None
    assert [row["receipt"] is not None for row in log.rows] == [False, True]


def test_an_unknown_cost_is_charged_what_was_held_and_stays_unknown(made: Bank) -> None:
    with gate(made) as open_gate:
        _, paid = open_gate.evaluate("a", "t", lambda: 1, lambda _: Outcome(1.0))
        assert (paid.charged_nano, paid.evaluation.cost_nano) == (2 * CENT, None)
        # To the search it counts as its upper bound, never as free.
        assert open_gate.fitness("a").dimensions.cost_efficiency == pytest.approx(1 / 3)
    assert made.figures() == (2 * CENT, 0)


def test_beyond_the_cap_nothing_is_started(made: Bank) -> None:
    started: list[int] = []
    with gate(made) as open_gate:
        for i in range(5):
            open_gate.evaluate("a", f"t{i}", lambda i=i: started.append(i), lambda _: Outcome(1.0, 2 * CENT))
        assert open_gate.refusal is None
        with pytest.raises(CapReached, match="Budget exceeded"):
            open_gate.evaluate("a", "t5", lambda: started.append(5), lambda _: Outcome(1.0, CENT))
        assert open_gate.refusal is not None
    assert started == [0, 1, 2, 3, 4]
    assert made.figures() == (10 * CENT, 0)


def test_the_cap_holds_with_many_threads_and_two_gates(made: Bank) -> None:
    together, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.01)
        with lock:
            together -= 1

    with gate(made) as left, gate(made) as right, ThreadPoolExecutor(16) as pool:

        def one(i: int) -> bool:
            try:
                (left, right)[i % 2].evaluate("same", "task", work, lambda _: Outcome(1.0, CENT))
            except CapReached:
                return False
            return True

        passed = sum(pool.map(one, range(40)))
    spent, reserved = made.figures()
    assert (spent, reserved) == (passed * CENT, 0)
    assert 5 <= passed <= 10
    # Ten cents pay for five holds of two at once.
    assert 1 < most <= 5


@pytest.mark.parametrize(
    ("error", "charged"), [(EvaluationFailed("late", cost_nano=CENT), CENT), (ValueError("broken"), 2 * CENT)]
)
def test_a_failure_is_paid_and_raised_again(made: Bank, error: Exception, charged: int) -> None:
    log = JsonLog()
    with gate(made, log) as open_gate:

        def work() -> None:
            raise error

        with pytest.raises(type(error)):
            open_gate.evaluate("a", "t", work, lambda _: Outcome(1.0, 0))
        assert made.figures() == (charged, 0)
        assert open_gate.fitness("a").dimensions.effectiveness == 0
    assert log.rows[-1]["bill"]["failed"]


def test_a_result_that_makes_no_sense_is_paid_and_raised(made: Bank) -> None:
    with gate(made) as open_gate, pytest.raises(InvalidInput, match="score"):
        open_gate.evaluate("a", "t", lambda: 2.0, lambda found: Outcome(found, CENT))
    assert made.figures() == (2 * CENT, 0)


def test_an_interrupted_work_leaves_its_hold_to_expire(made: Bank) -> None:
    with gate(made) as open_gate:

        def work() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            open_gate.evaluate("a", "t", work, lambda _: Outcome(1.0, 0))
    assert made.figures() == (0, 2 * CENT)


def test_a_hold_is_kept_while_its_work_runs(made: Bank) -> None:
    with gate(made, ttl_seconds=1) as open_gate:

        def work() -> None:
            for _ in range(3):
                time.sleep(0.5)
                made.later(0.5)

        _, paid = open_gate.evaluate("a", "t", work, lambda _: Outcome(1.0, CENT))
    assert paid.charged_nano == CENT
    assert made.figures() == (CENT, 0)


def test_the_same_program_may_be_evaluated_again_and_is_another_trial(made: Bank) -> None:
    with gate(made) as open_gate:
        trials = {
            open_gate.evaluate("a", "t", lambda: 0, lambda _: Outcome(1.0, CENT))[1].evaluation.trial
            for _ in range(3)
        }
        assert len(trials) == 3
        assert open_gate.fitness("a").trials == 3
    assert made.figures() == (3 * CENT, 0)


def test_a_gate_needs_its_reference_and_knows_whom_it_saw(made: Bank) -> None:
    with pytest.raises(InvalidInput, match="c0_nano"):
        CostGate(replace(EXPERIMENT, c0_nano=None), BankLedger(made), JsonLog(), Limits(CENT))
    with gate(made) as open_gate, pytest.raises(InvalidInput, match="no evaluation of 'b'"):
        open_gate.fitness("b")


def test_content_is_named_by_all_of_its_parts() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("a") == digest_of("a")
    assert len(digest_of("")) == 24
