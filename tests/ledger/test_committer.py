"""The group committer, with threads, on a store that the test holds by the hand. Nothing here sleeps."""

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from ledger.changes import Changes
from ledger.commands import Command
from ledger.committer import Committer
from ledger.decide import Answer
from ledger.errors import NotFound, Overloaded, Unavailable
from ledger.results import RecordedUsage
from tests.ledger.books import BookDesk
from tests.support.desk import NOW_US
from tests.support.memory import Conflict, Failures, MemoryStore, Poison, Uncertain

SECONDS_MAX = 60
"""How long a test waits for what must happen, before it fails."""


class Gate:
    """A hook at which the committer's thread stops until it is let through."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._may_pass = threading.Semaphore(0)
        self._open = False

    def __call__(self) -> None:
        if not self._open:
            self._arrived.release()
            assert self._may_pass.acquire(timeout=SECONDS_MAX)

    def await_arrival(self) -> None:
        """Wait until the thread stands here."""
        assert self._arrived.acquire(timeout=SECONDS_MAX)

    def let_one_through(self) -> None:
        """Let it go on to the next time."""
        self._may_pass.release()

    def open(self) -> None:
        """Stop nobody any more."""
        self._open = True
        self._may_pass.release()


class Watcher:
    """Remembers which operations every batch recorded."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.retries: list[str] = []

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:
        assert commands >= len(changes.operations)
        assert min(seconds, waiting) >= 0
        self.batches.append([operation.usage.sent.operation_id for operation in changes.operations])

    def retried(self, reason: str) -> None:
        self.retries.append(reason)


class Works:
    """A running committer with everything around it."""

    def __init__(self, **options: Any) -> None:
        self.store = MemoryStore()
        self.desk = BookDesk(self.store)
        self.watcher = Watcher()
        self.committer = Committer(self.store, clock=lambda: NOW_US, observer=self.watcher, **options)
        self._callers = ThreadPoolExecutor(max_workers=80)

    def call(self, commands: Sequence[Command]) -> Future[list[Answer]]:
        """Submit from a thread of its own, and come back once the call waits in the queue or has failed."""
        before, entered = self.committer.waiting, threading.Event()

        def run() -> list[Answer]:
            entered.set()
            return self.committer.submit_blocking(commands, SECONDS_MAX)

        future = self._callers.submit(run)
        assert entered.wait(SECONDS_MAX)
        self.until(lambda: future.done() or self.committer.waiting == before + len(commands))
        return future

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for a state that other threads bring about."""
        deadline = threading.Event()
        timer = threading.Timer(SECONDS_MAX, deadline.set)
        timer.start()
        try:
            while not happened():
                assert not deadline.is_set()
                deadline.wait(0.001)
        finally:
            timer.cancel()

    def usages(self, *ids: str, cost: int = 1) -> list[Command]:
        """Recordings of one nano-unit each."""
        return [self.desk.usage(each, cost) for each in ids]

    def spent(self) -> int:
        """What was charged in all."""
        return self.desk.spent("unattributed")

    def gated(self) -> Gate:
        """Hold the thread inside the commit of a batch of its own; what comes now waits for the next."""
        gate = Gate()
        self.store.before_commit = gate
        self.first = self._callers.submit(self.committer.submit_blocking, self.usages("first"), SECONDS_MAX)
        gate.await_arrival()
        return gate


@contextlib.contextmanager
def works(**options: Any) -> Generator[Works]:
    """A committer that runs for the length of the block."""
    running = Works(**options)
    running.committer.start()
    try:
        yield running
    finally:
        if isinstance(running.store.before_commit, Gate):
            running.store.before_commit.open()
        running.committer.stop()


def recorded(future: Future[list[Answer]]) -> list[bool]:
    """Whether each answer says duplicate."""
    answers = future.result(SECONDS_MAX)
    assert all(isinstance(answer, RecordedUsage) for answer in answers), answers
    return [answer.duplicate for answer in answers if isinstance(answer, RecordedUsage)]


def test_nobody_is_answered_before_the_commit() -> None:
    with works() as running:
        gate = running.gated()
        assert not running.first.done()
        assert running.spent() == 0
        gate.open()
        assert recorded(running.first) == [False]
        assert running.spent() == 1


def test_what_waits_is_committed_at_once_and_answered_in_order() -> None:
    with works() as running:
        gate = running.gated()
        calls = [running.call(running.usages(f"{number}")) for number in range(20)]
        bulk = running.call(running.usages("5", "bulk", "7"))
        gate.open()
        assert [recorded(each) for each in calls] == [[False]] * 20
        assert recorded(bulk) == [True, False, True]
        assert [len(batch) for batch in running.watcher.batches] == [1, 21]


def test_an_error_of_one_command_is_its_own_answer() -> None:
    with works() as running:
        good, bad = running.desk.creation("b"), running.desk.creation("c", "nobody")
        answers = running.committer.submit_blocking([good, bad], SECONDS_MAX)
        assert isinstance(answers[1], NotFound)
        assert "t/b" in running.store.books.budgets
        assert running.committer.submit_blocking([], SECONDS_MAX) == []


def test_many_threads_with_overlapping_ids_charge_each_once() -> None:
    ids = [f"op-{number}" for number in range(120)]

    def client(seed: int) -> list[tuple[str, bool]]:
        rng, said = random.Random(seed), list[tuple[str, bool]]()
        for _ in range(12):
            chosen = rng.sample(ids, rng.choice([1, 1, 1, 9]))
            answers = running.committer.submit_blocking(running.usages(*chosen), SECONDS_MAX)
            said += [
                (each, answer.duplicate)
                for each, answer in zip(chosen, answers, strict=True)
                if isinstance(answer, RecordedUsage)
            ]
        return said

    with works() as running, ThreadPoolExecutor(16) as clients:
        running.store.before_commit = Failures(*([None, None, Conflict()] * 10))
        running.store.after_commit = Failures(*([None, None, None, Uncertain()] * 5))
        said = [answer for answers in clients.map(client, range(16)) for answer in answers]
    seen = {each for each, _ in said}
    assert running.spent() == len(seen) == len(running.store.books.operations)
    firsts = Counter(each for each, duplicate in said if not duplicate)
    assert set(firsts.values()) <= {1}, "only one of them may be told that it was the first"
    assert running.store.books.seqs("t") == list(range(1, len(seen) + 1))


def test_a_single_does_not_wait_behind_a_bulk() -> None:
    with works(batch_max=100) as running:
        gate = running.gated()
        bulk = running.call(running.usages(*(f"bulk-{number}" for number in range(500))))
        running.call(running.usages("early"))
        gate.let_one_through()
        gate.await_arrival()
        # The batch that stands at the gate now has the single and a share of the bulk.
        late = running.call(running.usages("late"))
        gate.let_one_through()
        gate.await_arrival()
        gate.open()
        assert recorded(late) == [False]
        assert recorded(bulk) == [False] * 500
        second, third = running.watcher.batches[1:3]
        assert (second[0], third[0]) == ("early", "late")
        assert all(0 < len(batch) <= 100 for batch in running.watcher.batches)


def test_a_full_queue_refuses_at_once_and_takes_again_when_it_has_room() -> None:
    with works(queue_max=5) as running:
        gate = running.gated()
        waiting = [running.call(running.usages(f"{number}")) for number in range(3)]
        with pytest.raises(Overloaded) as refused:
            running.committer.submit_blocking(running.usages("x", "y", "z"), SECONDS_MAX)
        assert refused.value.retry_after_seconds > 0
        waiting.append(running.call(running.usages("last", "one")))
        with pytest.raises(Overloaded):
            running.committer.submit_blocking(running.usages("x"), SECONDS_MAX)
        gate.open()
        assert [recorded(each)[0] for each in waiting] == [False] * 4
        assert (running.spent(), running.committer.waiting) == (6, 0)
        running.committer.submit_blocking(running.usages("x"), SECONDS_MAX)


def test_stopping_commits_what_waits_and_takes_nothing_more() -> None:
    with works(batch_max=4) as running:
        gate = running.gated()
        waiting = [running.call(running.usages(f"{number}")) for number in range(10)]
        waiting.append(running.call(running.usages(*(f"bulk-{number}" for number in range(10)))))
        stopping = threading.Thread(target=running.committer.stop)
        stopping.start()
        running.until(lambda: running.committer._stopping)  # noqa: SLF001 - no caller needs to know
        with pytest.raises(Unavailable):
            running.committer.submit_blocking(running.usages("too late"), SECONDS_MAX)
        gate.open()
        stopping.join(SECONDS_MAX)
        assert all(duplicate is False for each in waiting for duplicate in recorded(each))
        assert (running.spent(), running.committer.alive) == (21, False)


def test_a_committer_that_was_not_started_takes_nothing() -> None:
    committer = Committer(MemoryStore())
    with pytest.raises(Unavailable):
        committer.submit_blocking(BookDesk().rows({"operation_id": "a"}))
    committer.stop()


def test_a_poisoned_command_fails_alone() -> None:
    with works() as running:
        running.store.poison = {"13", "77"}
        gate = running.gated()
        singles = [running.call(running.usages(f"{number}")) for number in range(50)]
        bulk = running.call(running.usages(*(f"{number}" for number in range(50, 100))))
        gate.open()
        for number, each in enumerate(singles):
            (answer,) = each.result(SECONDS_MAX)
            assert isinstance(answer, Unavailable if number == 13 else RecordedUsage)
        kinds = [type(answer) for answer in bulk.result(SECONDS_MAX)]
        assert kinds == [RecordedUsage] * 27 + [Unavailable] + [RecordedUsage] * 22
        assert (running.spent(), running.committer.alive) == (99, True)


def test_a_conflict_is_decided_again_on_what_is_there() -> None:
    with works() as running:
        running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)

        def somebody_else_was_first() -> None:
            running.store.before_commit = lambda: None
            other = BookDesk()
            other.store.books = running.store.books
            other.record("b", 1)
            running.store.books = other.books
            raise Conflict("b")

        running.store.before_commit = somebody_else_was_first
        (answer,) = running.committer.submit_blocking(running.usages("b"), SECONDS_MAX)
        assert isinstance(answer, RecordedUsage)
        assert answer.duplicate, "the other process recorded it"
        assert (running.spent(), running.watcher.retries) == (2, ["Conflict"])


def test_a_commit_of_unknown_outcome_that_did_happen_is_not_charged_twice() -> None:
    with works() as running:
        running.store.after_commit = Failures(Uncertain())
        (answer,) = running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)
        assert isinstance(answer, RecordedUsage)
        assert answer.duplicate
        assert (running.spent(), running.store.books.seqs("t")) == (1, [1])


def test_a_commit_of_unknown_outcome_that_did_not_happen_is_made() -> None:
    with works() as running:
        running.store.before_commit = Failures(Uncertain())
        (answer,) = running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)
        assert isinstance(answer, RecordedUsage)
        assert not answer.duplicate
        assert running.spent() == 1


def test_while_the_engine_is_down_callers_are_told_and_later_it_goes_on() -> None:
    with works(give_up_seconds=0.0) as running:
        running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)

        def down() -> None:
            raise Conflict("the engine does not answer")

        running.store.opening = down
        for name in ("b", "c"):
            with pytest.raises(Unavailable) as caught:
                running.committer.submit_blocking(running.usages(name), SECONDS_MAX)
            assert "the engine does not answer" in caught.value.message
        running.store.opening = lambda: None
        assert running.committer.alive
        for name, duplicate in (("b", False), ("a", True)):
            (answer,) = running.committer.submit_blocking(running.usages(name), SECONDS_MAX)
            assert isinstance(answer, RecordedUsage)
            assert answer.duplicate is duplicate
        assert running.spent() == 2


def test_stopping_does_not_wait_for_an_engine_that_is_down() -> None:
    with works(give_up_seconds=10**6) as running:
        gate = running.gated()

        def down() -> None:
            raise Conflict("the engine does not answer")

        lost = running.call(running.usages("lost"))
        running.store.opening = down
        stopping = threading.Thread(target=running.committer.stop)
        stopping.start()
        running.until(lambda: running.committer._stopping)  # noqa: SLF001 - no caller needs to know
        gate.open()
        stopping.join(SECONDS_MAX)
        assert not running.committer.alive
        with pytest.raises(Unavailable):
            lost.result(SECONDS_MAX)
        assert recorded(running.first) == [False]


def test_the_rest_of_a_failed_bulk_is_not_tried() -> None:
    with works(batch_max=10, give_up_seconds=0.0) as running:
        running.store.before_commit = Failures(None, Conflict())
        bulk = running.usages(*(f"{number}" for number in range(35)))
        with pytest.raises(Unavailable) as caught:
            running.committer.submit_blocking(bulk, SECONDS_MAX)
        assert "duplicate" in caught.value.message, "what to do: send all of it again"
        assert (running.spent(), running.committer.waiting) == (10, 0)
        answers = running.committer.submit_blocking(bulk, SECONDS_MAX)
        duplicates = [answer.duplicate for answer in answers if isinstance(answer, RecordedUsage)]
        assert duplicates == [True] * 10 + [False] * 25
        assert running.spent() == 35


def test_a_bulk_that_failed_is_not_failed_again_by_its_other_rows() -> None:
    with works(batch_max=4, give_up_seconds=0.0) as running:
        # The batch is halved for the first error, and each half then finds the engine gone.
        running.store.opening = Failures(Poison(), Conflict(), Conflict())
        with pytest.raises(Unavailable):
            running.committer.submit_blocking(running.usages(*"abcdefgh"), SECONDS_MAX)
        assert recorded(running.call(running.usages("later"))) == [False]
        assert (running.committer.alive, running.committer.waiting, running.spent()) == (True, 0, 1)


def test_an_observer_that_fails_harms_nobody() -> None:
    with works() as running:

        def fail(changes: Changes, commands: int, seconds: float, waiting: int) -> None:
            raise ValueError("observer")

        running.watcher.committed = fail
        running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)
        running.committer.submit_blocking(running.usages(*"bcd"), SECONDS_MAX)
        assert (running.spent(), running.committer.alive) == (4, True)


def test_a_caller_in_an_event_loop_waits_without_blocking_it() -> None:
    with works() as running:
        gate = running.gated()

        async def client() -> list[bool]:
            calls = [asyncio.ensure_future(running.committer.submit(running.usages(each))) for each in "abca"]
            await asyncio.sleep(0)
            assert not any(each.done() for each in calls)
            calls[1].cancel()
            gate.open()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(answers[1], asyncio.CancelledError)
            return [
                answer.duplicate
                for each in answers
                if isinstance(each, list)
                for answer in each
                if isinstance(answer, RecordedUsage)
            ]

        assert asyncio.run(client()) == [False, False, True]
        assert running.spent() == 4, "who no longer waits is charged all the same"


def test_an_event_loop_that_is_gone_harms_nobody_else() -> None:
    with works() as running:
        gate = running.gated()

        async def leave() -> None:
            task = asyncio.ensure_future(running.committer.submit(running.usages("gone")))
            await asyncio.sleep(0)
            task.cancel()

        asyncio.run(leave())
        after = running.call(running.usages("after"))
        gate.open()
        assert recorded(after) == [False]
        assert (running.spent(), running.committer.alive) == (3, True)
