"""What the ledger needs from the outside. ``graph`` implements the store, ``server`` the observer."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ledger.changes import Changes, Event, KnownRequest, LedgerHead
from ledger.holds import Hold
from ledger.model import Budget
from ledger.reader import KnownOperation, Reader
from pricing.prices import Prices


class Wanted(NamedTuple):
    """Uids to look up once the locks are held."""

    operations: Sequence[str] = ()
    holds: Sequence[str] = ()
    requests: Sequence[str] = ()


class Locked(NamedTuple):
    """The locked ledgers by tenant, and what exists of what was wanted, by uid."""

    heads: dict[str, LedgerHead]
    operations: dict[str, KnownOperation]
    holds: dict[str, Hold]
    requests: dict[str, KnownRequest]


class LedgerTransaction(Reader, Protocol):
    """One write transaction; it holds the ledgers' locks from ``lock`` to its end."""

    def lock(self, tenants: Sequence[str], wanted: Wanted) -> Locked:
        """Lock the ledgers of those tenants, in uid order; then read them, and what exists of ``wanted``.

        A tenant that is new is founded: its ledger, and its budget ``unattributed``.
        """
        ...

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        """The tenant's budgets that changed after that version of its ledger, closed ones included."""
        ...

    def prices(self, tenant: str, since_version: int, prices: Prices) -> None:
        """Add to ``prices`` what the tenant said about them after that version of its ledger."""
        ...

    def write(self, changes: Sequence[Changes]) -> None:
        """Write one batch: the changes of each tenant."""
        ...

    def cancel(self) -> None:
        """There is nothing to write: end without a commit, and without its cost."""
        ...


class LedgerStore(Protocol):
    """Opens transactions; leaving the block commits durably, an exception rolls back.

    Errors that mean "nothing was written, decide again" carry ``retryable = True``.
    """

    def transaction(self) -> AbstractContextManager[LedgerTransaction]:
        """Open a write transaction."""
        ...


class CommitObserver(Protocol):
    """Is told about every batch: for metrics and for the fold. Must be quick and not raise."""

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:
        """A tenant's part of a batch of ``commands`` is durable, ``seconds`` after it was taken.

        ``waiting`` commands are queued behind it.
        """
        ...

    def retried(self, reason: str) -> None:
        """A batch was rolled back and is decided again."""
        ...


class CommitSpans(Protocol):
    """Sees how calls wait for commits, and which of them a commit is for: for traces."""

    def waiting(self, commands: int) -> AbstractContextManager[object]:
        """Around the wait of one call, in its own context; what it yields stands for the call."""
        ...

    def committing(self, commands: int, calls: Sequence[object]) -> AbstractContextManager[object]:
        """Around one batch, on the committer's thread; ``calls`` are those of its calls that wait traced."""
        ...


class EventListener(Protocol):
    """Is told in this process that a budget reached a threshold or its limit, once that is committed.

    It runs on the committer's thread: it must be quick. What it raises is logged, and holds up nobody. What
    other processes commit it is not told; a follower of the tenant's sequence is.
    """

    def happened(self, event: Event) -> None:
        """A budget event is durable."""
        ...


class Clock(Protocol):
    """Where time comes from."""

    def __call__(self) -> int:
        """Microseconds since the epoch."""
        ...
