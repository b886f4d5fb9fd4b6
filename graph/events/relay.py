"""One reader per process for all who follow a tenant's sequence, whichever process commits to it.

A commit of this process wakes it; those of others it finds by looking at the ledgers' heads a few times a
second, and only at those of tenants that somebody follows: without followers it asks nothing. What it read
last is kept in a bounded window. Followers keep their own place and take from the window at their own pace;
who is behind it reads from the graph, so nothing is missed, and no queue grows behind a slow one.
"""

import logging
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple, Self

from graph.errors import GraphError
from graph.events.stream import CHUNK_SEQS, EventStream, StreamHead
from ledger.changes import Event

POLL_SECONDS: Final = 0.25
"""How late commits of other processes are seen, at most."""
PAUSE_SECONDS: Final = 0.02
"""Between two looks, however many commits there are."""
WINDOW_MAX: Final = 4_000
"""How many events of a tenant are kept: about 3 MB."""
TAKEN_MAX: Final = 200

logger = logging.getLogger(__name__)


class Taken(NamedTuple):
    """Events that follow a place, the place that they reach, and the ledger's version there."""

    events: list[Event]
    through: int
    version: int
    behind: bool = False
    """The window begins later: what lies between is read from the graph, up to ``through`` at most."""


@dataclass(slots=True)
class _Line:
    """A tenant that is followed: ``events`` are all that have numbers in (floor, head.seq]."""

    head: StreamHead | None = None
    floor: int = 0
    events: list[Event] = field(default_factory=list[Event])
    followers: "set[Follower]" = field(default_factory=lambda: set[Follower]())  # noqa: PLW0108 - named below


class Follower:
    """Somebody's eye on a tenant's sequence, until it is closed."""

    def __init__(self, relay: "Relay", tenant: str, wake: Callable[[], object]) -> None:
        """``wake`` is called by the relay's thread when the tenant's ledger moved on."""
        self.tenant = tenant
        self.wake = wake
        self._relay = relay

    def take(self, after: int) -> Taken:
        """What is known to follow a place: nothing, where nothing is."""
        return self._relay.take(self.tenant, after)

    def __enter__(self) -> Self:
        self._relay.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay.remove(self)


class Relay:
    """Thread-safe; ``run`` is the work of one thread."""

    def __init__(self, stream: EventStream, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.stream = stream
        self._poll_seconds = poll_seconds
        self._lines: dict[str, _Line] = {}
        self._changed = threading.Condition()
        self._woken = False

    def follow(self, tenant: str, wake: Callable[[], object]) -> Follower:
        """A follower, for a ``with`` block."""
        return Follower(self, tenant, wake)

    def add(self, follower: Follower) -> None:
        """Begin to tell."""
        with self._changed:
            self._lines.setdefault(follower.tenant, _Line()).followers.add(follower)
            self._wake()

    def remove(self, follower: Follower) -> None:
        """Tell no more."""
        with self._changed:
            line = self._lines.get(follower.tenant)
            if line is not None:
                line.followers.discard(follower)
                if not line.followers:
                    del self._lines[follower.tenant]

    def committed(self, tenant: str) -> None:
        """This process committed something of a tenant."""
        if tenant in self._lines:
            with self._changed:
                self._wake()

    def take(self, tenant: str, after: int) -> Taken:
        """What follows a place of a tenant that is followed."""
        with self._changed:
            line = self._lines.get(tenant)
            if line is None or line.head is None or after >= line.head.seq:
                return Taken([], after, 0)
            head = line.head
            if after < line.floor:
                return Taken([], min(after + CHUNK_SEQS, head.seq), head.version, behind=True)
            begin = bisect_right(line.events, after, key=_seq)
            events = line.events[begin : begin + TAKEN_MAX]
            more = begin + TAKEN_MAX < len(line.events)
            return Taken(events, events[-1].seq if more else head.seq, head.version)

    def run(self, stop: threading.Event) -> None:
        """Read on, until ``stop`` is set; call ``wake`` then to end it at once."""
        while self._wait(stop):
            try:
                self._look()
            except GraphError:
                logger.warning("the relay of events cannot read now; it tries again", exc_info=True)
            except Exception:
                # The thread must outlive anything: without it nobody is told anything.
                logger.exception("the relay of events met a defect")
            stop.wait(PAUSE_SECONDS)

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        with self._changed:
            self._wake()

    def _wake(self) -> None:
        self._woken = True
        self._changed.notify_all()

    def _wait(self, stop: threading.Event) -> bool:
        """Until there is something to look for; False at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._woken or stop.is_set(), self._poll_seconds if self._lines else None
            )
            self._woken = False
        return not stop.is_set()

    def _look(self) -> None:
        with self._changed:
            tenants = list(self._lines)
        if not tenants:
            return
        for tenant, head in self.stream.heads(tenants).items():
            with self._changed:
                line = self._lines.get(tenant)
            if line is not None and line.head != head:
                self._advance(tenant, line, head)
                self._tell(line)

    def _advance(self, tenant: str, line: _Line, head: StreamHead) -> None:
        known = head.seq if line.head is None else line.head.seq
        if line.head is None or head.seq - known > WINDOW_MAX:
            # Who was not here yet, or cannot be kept in the window, reads for itself.
            with self._changed:
                line.head, line.floor, line.events = head, head.seq, []
            return
        while known < head.seq:
            through = min(head.seq, known + CHUNK_SEQS)
            events = self.stream.read(tenant, known, through)
            with self._changed:
                line.events.extend(events)
                line.head = StreamHead(through, head.version, head.commits)
                known = through
                if len(line.events) > WINDOW_MAX:
                    dropped = len(line.events) - WINDOW_MAX // 2
                    line.floor = line.events[dropped - 1].seq
                    del line.events[:dropped]
        with self._changed:
            line.head = head

    def _tell(self, line: _Line) -> None:
        with self._changed:
            followers = list(line.followers)
        for follower in followers:
            try:
                follower.wake()
            except RuntimeError:
                self.remove(follower)  # its event loop is gone


def _seq(event: Event) -> int:
    return event.seq
