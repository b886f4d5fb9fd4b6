"""What the ledger needs from a store. ``graph`` implements it, ``server`` wires it."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from ledger.changes import Changes
from ledger.model import Agent, Budget, Pricing, Window
from ledger.results import RecordedUsage


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """A usage that is in the graph: enough to answer a repetition and to find who paid for it."""

    uid: str
    fingerprint: str
    path_uid: str
    leaf_uid: str
    pricing: Pricing
    answer: RecordedUsage


@dataclass(slots=True)
class Head:
    """A tenant's ``Ledger`` node, read under its lock."""

    tenant: str
    seq: int
    version: int
    last_now_us: int
    commits: int


@dataclass(frozen=True, slots=True)
class Lookups:
    """Ids to look up under the lock, over all tenants of a batch."""

    operation_uids: Sequence[str] = ()
    parent_operation_uids: Sequence[str] = ()
    agent_uids: Sequence[str] = ()


@dataclass(slots=True)
class Found:
    """What the look-ups found, by uid; what is absent does not exist."""

    heads: dict[str, Head] = field(default_factory=dict[str, Head])
    operations: dict[str, KnownOperation] = field(default_factory=dict[str, KnownOperation])
    parent_leaves: dict[str, str] = field(default_factory=dict[str, str])
    """Leaf budget uid by the uid of a parent operation."""
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])


class LedgerTransaction(Protocol):
    """One transaction that holds the ledgers' locks from ``lock`` to its end."""

    def lock(self, tenants: Sequence[str], lookups: Lookups) -> Found:
        """Lock the tenants' ledgers in uid order, then look up. Unknown tenants are created."""
        ...

    def budgets(self, tenant: str, since_version: int) -> list[Budget]:
        """Budgets that changed after that version, closed ones included."""
        ...

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        """Those of the windows that exist."""
        ...

    def paths(self, uids: Iterable[str]) -> set[str]:
        """Those of the charge paths that exist."""
        ...

    def write(self, changes: Changes) -> None:
        """Write a batch's changes."""
        ...

    def commit(self) -> None:
        """Make it durable. Raises ``Unavailable`` when nothing was committed for sure."""
        ...


class LedgerStore(Protocol):
    """Opens transactions. Leaving the context without a commit rolls back."""

    def begin(self) -> AbstractContextManager[LedgerTransaction]:
        """Open a transaction."""
        ...
