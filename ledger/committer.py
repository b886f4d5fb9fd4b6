"""The group committer: one thread that takes whatever waits, decides it and commits it at once.

A commit of one row costs nearly what a commit of a hundred does, so throughput comes from batches, and
latency from not waiting: no timer runs when idle. Nobody is answered before the commit is durable.
"""

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from ledger.batch import Batch, attempt
from ledger.commands import Command
from ledger.decide import Answer
from ledger.errors import LedgerError, Overloaded, Unavailable
from ledger.ports import Clock, CommitObserver, CommitSpans, LedgerStore
from ledger.state import TenantState
from pricing.ports import RateSource

QUEUE_MAX: Final = 20_000
BATCH_MAX: Final = 1_000
BULK_SECONDS: Final = 0.1
"""Of bulk in one commit, where it is alone: who comes along meanwhile waits no longer than that."""
BULK_SHARE_SECONDS: Final = 0.01
"""The same, while singles come in."""
BULK_ROWS_MIN: Final = 10
SINGLES_RECENT_SECONDS: Final = 0.5
DEADLINE_SECONDS: Final = 10.0
"""Who was not taken by then is turned away: nobody waits for ever behind a queue that stands still."""
GIVE_UP_SECONDS: Final = 10.0
GIVE_UP_STOPPING_SECONDS: Final = 1.0
SEND_AGAIN: Final = "Send it again: what is recorded answers as a duplicate."

_UNTRACED: Final = contextlib.nullcontext()

Outcome = list[Answer] | LedgerError

logger = logging.getLogger(__name__)


def system_clock() -> int:
    """Microseconds since the epoch by the system's clock."""
    return time.time_ns() // 1_000


@dataclass(slots=True, eq=False)
class _Item:
    """Commands that came together, and who waits for their answers."""

    commands: Sequence[Command]
    done: Callable[[Outcome], None]
    loop: asyncio.AbstractEventLoop | None
    """Whose thread ``done`` belongs to; None where any thread may call it."""

    came: float
    call: object = None
    """What stands for the call in its trace; None where there is none."""
    answers: list[Answer] = field(default_factory=list[Answer])
    taken: int = 0
    failed: bool = False

    @property
    def bulk(self) -> bool:
        return len(self.commands) > 1


class Committer:
    """All ledger writes of a process go through one of these. Thread-safe."""

    def __init__(
        self,
        store: LedgerStore,
        *,
        clock: Clock = system_clock,
        lists: Sequence[RateSource] = (),
        observer: CommitObserver | None = None,
        spans: CommitSpans | None = None,
        queue_max: int = QUEUE_MAX,
        batch_max: int = BATCH_MAX,
        give_up_seconds: float = GIVE_UP_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """``lists`` are the price lists that tenants' own cards lie over."""
        self._store = store
        self._lists = lists
        self._clock = clock
        self._observer = observer
        self._spans = spans
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._give_up_seconds = give_up_seconds
        self._deadline_seconds = deadline_seconds
        self._singles: deque[_Item] = deque()
        self._bulks: deque[_Item] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._states: dict[str, TenantState] = {}
        self._row_seconds = 0.0002
        self._singles_seen = 0.0

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, commit what waits, end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    async def submit(self, commands: Sequence[Command]) -> list[Answer]:
        """The answers to some commands, once they are durable. Raises ``Unavailable``, ``Overloaded``.

        Commands that come together may be committed apart: each is acknowledged, or none of the call. What
        could not be taken within ``deadline_seconds`` is turned away.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[list[Answer]] = loop.create_future()

        def done(outcome: Outcome) -> None:
            if waiter.done():
                return
            if isinstance(outcome, LedgerError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)

        with _UNTRACED if self._spans is None else self._spans.waiting(len(commands)) as call:
            self._enqueue(_Item(commands, done, loop, time.monotonic(), call))
            return await waiter

    def submit_blocking(
        self, commands: Sequence[Command], timeout_seconds: float | None = None
    ) -> list[Answer]:
        """As ``submit``, for callers without an event loop."""
        waiter: Future[list[Answer]] = Future()

        def done(outcome: Outcome) -> None:
            if isinstance(outcome, LedgerError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)

        self._enqueue(_Item(commands, done, None, time.monotonic()))
        return waiter.result(timeout_seconds)

    def _enqueue(self, item: _Item) -> None:
        if not item.commands:
            item.done([])
            return
        with self._changed:
            if self._stopping or self._thread is None:
                raise Unavailable(
                    "The service is stopping; nothing was recorded. Send it again to a running one."
                )
            if self._waiting + len(item.commands) > self._queue_max:
                raise Overloaded(
                    "Too many operations wait to be committed; nothing was recorded. Try again shortly."
                )
            self._waiting += len(item.commands)
            (self._bulks if item.bulk else self._singles).append(item)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._singles or self._bulks or self._stopping):
                    self._changed.wait()
                if not (self._singles or self._bulks):
                    return
                late = self._turn_away()
                taken = self._take()
            if late:
                _tell(late, Overloaded(f"It waited for {self._deadline_seconds:g} s. {SEND_AGAIN}"))
            try:
                if taken:
                    with self._traced(taken):
                        self._commit(taken)
            except Exception:
                # The thread must outlive anything: without it nothing is ever answered again.
                logger.exception("the committer met a defect")
                self._states.clear()
                self._fail(taken, Unavailable(f"The ledger met an internal error. {SEND_AGAIN}"))

    def _traced(self, taken: list[tuple[_Item, Command]]) -> contextlib.AbstractContextManager[object]:
        if self._spans is None:
            return _UNTRACED
        calls = {id(item): item.call for item, _ in taken if item.call is not None}
        return self._spans.committing(len(taken), list(calls.values()))

    def _turn_away(self) -> list[_Item]:
        """Those that waited past their deadline, from the oldest on. A bulk that is begun is finished."""
        before = time.monotonic() - self._deadline_seconds
        late: list[_Item] = []
        for queue in (self._singles, self._bulks):
            begun = queue.popleft() if queue and queue[0].taken else None
            while queue and queue[0].came < before:
                item = queue.popleft()
                item.failed = True
                self._waiting -= len(item.commands)
                late.append(item)
            if begun is not None:
                queue.appendleft(begun)
        return late

    def _take(self) -> list[tuple[_Item, Command]]:
        """Singles first; bulk takes what is left of the batch, and of the time that a batch should take.

        Bulk takes a few rows in any case, so that singles without end do not starve it.
        """
        now = time.monotonic()
        taken: list[tuple[_Item, Command]] = []
        while self._singles and len(taken) < self._batch_max:
            item = self._singles.popleft()
            taken.append((item, item.commands[0]))
            self._singles_seen = now
        beside_singles = now - self._singles_seen < SINGLES_RECENT_SECONDS
        seconds = BULK_SHARE_SECONDS if beside_singles else BULK_SECONDS
        room = min(self._batch_max - len(taken), int(seconds / self._row_seconds))
        room = max(room, min(BULK_ROWS_MIN, self._batch_max))
        while self._bulks and room > 0:
            item = self._bulks[0]
            share = item.commands[item.taken : item.taken + room]
            taken.extend((item, command) for command in share)
            item.taken += len(share)
            room -= len(share)
            if item.taken == len(item.commands):
                self._bulks.popleft()
        self._waiting -= len(taken)
        return taken

    def _commit(self, taken: list[tuple[_Item, Command]]) -> None:
        started = time.monotonic()
        oldest = min(item.came for item, _ in taken)
        tries = 0
        while True:
            try:
                commands = [command for _, command in taken]
                batch = attempt(self._store, self._states, commands, self._clock(), self._lists)
                break
            except Exception as error:  # noqa: BLE001 - sorted out by what the class says of itself
                self._states.clear()
                tries += 1
                if getattr(error, "retryable", False):
                    if self._impatient(oldest, started):
                        # Not "nothing was recorded": a connection that broke during a commit cannot tell.
                        self._fail(taken, Unavailable(f"The engine confirms no commit: {error} {SEND_AGAIN}"))
                        return
                    self._retried(error)
                    # At once the first time; then with jitter, so that two servers do not meet again.
                    if tries > 1:
                        time.sleep(random.uniform(0, min(0.5, 0.005 * 2**tries)))  # noqa: S311
                    continue
                self._isolate(taken, error)
                return
        self._answer(taken, batch, time.monotonic() - started)

    def _impatient(self, oldest: float, started: float) -> bool:
        """Whether the engine had its time, from when the first of them came: not anew for each batch."""
        now = time.monotonic()
        return now - oldest > self._give_up_seconds or (
            self._stopping and now - started > GIVE_UP_STOPPING_SECONDS
        )

    def _isolate(self, taken: list[tuple[_Item, Command]], error: Exception) -> None:
        """One command of the batch is poisonous: halve until it stands alone, and fail it alone."""
        if len(taken) == 1:
            logger.error("a command could not be committed", exc_info=error)
            self._settle(taken, [Unavailable("The ledger could not commit this; nothing was recorded.")])
            return
        middle = len(taken) // 2
        self._commit(taken[:middle])
        self._commit(taken[middle:])

    def _answer(self, taken: list[tuple[_Item, Command]], batch: Batch, seconds: float) -> None:
        if batch.written and len(taken) > 20:  # noqa: PLR2004 - small batches measure the commit, not the row
            self._row_seconds += 0.2 * (seconds / len(taken) - self._row_seconds)
        self._settle(taken, batch.answers)
        if self._observer is None:
            return
        for changes in batch.changes:
            try:
                self._observer.committed(changes, len(taken), seconds, self._waiting)
            except Exception:
                # What is committed stays committed, whatever an observer thinks of it.
                logger.exception("an observer of commits failed")

    def _settle(self, taken: list[tuple[_Item, Command]], answers: Sequence[Answer]) -> None:
        complete: list[_Item] = []
        for (item, _), answer in zip(taken, answers, strict=True):
            item.answers.append(answer)
            if len(item.answers) == len(item.commands):
                complete.append(item)
        _tell(complete)

    def _fail(self, taken: list[tuple[_Item, Command]], error: LedgerError) -> None:
        """Fail the calls that these belong to; what else waits of them is not tried."""
        items = {id(item): item for item, _ in taken if not item.failed}
        with self._changed:
            for item in items.values():
                if item.taken and item.taken < len(item.commands):
                    self._bulks.remove(item)
                    self._waiting -= len(item.commands) - item.taken
        unanswered = [item for item in items.values() if len(item.answers) < len(item.commands)]
        for item in unanswered:
            item.failed = True
        _tell(unanswered, error)

    def _retried(self, error: Exception) -> None:
        if self._observer is not None:
            self._observer.retried(type(error).__name__)


def _tell(items: Iterable[_Item], error: LedgerError | None = None) -> None:
    """Give them their answers, or all of them an error: each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[_Item]] = {}
    for item in items:
        by_loop.setdefault(item.loop, []).append(item)
    for loop, told in by_loop.items():
        if loop is None:
            _deliver(told, error)
            continue
        try:
            loop.call_soon_threadsafe(_deliver, told, error)
        except RuntimeError:
            # Whoever waited is gone, with its event loop; the others still wait for their answers.
            logger.exception("answers could not be delivered")


def _deliver(items: Iterable[_Item], error: LedgerError | None) -> None:
    for item in items:
        try:
            item.done(item.answers if error is None else error)
        except Exception:
            logger.exception("an answer could not be delivered")
