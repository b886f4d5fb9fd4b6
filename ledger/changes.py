"""What a batch of decisions changes: handed to the store as a whole, committed as a whole."""

from dataclasses import dataclass, field

from ledger.model import Agent, Budget, ChargePath, CostEntry, Pricing, Window
from ledger.usage import Usage


@dataclass(frozen=True, slots=True)
class RecordedOperation:
    """A usage as decided: who consumed it, when, who pays, and what it incurred if it has a price."""

    uid: str
    tenant: str
    usage: Usage
    agent_uid: str
    path_uid: str
    leaf_id: str
    user_id: str | None
    provider: str | None
    timestamp_us: int
    recorded_at_us: int
    pricing: Pricing
    unpriced_reason: str | None
    unpriced_seq: int | None
    entry: CostEntry | None
    warnings_json: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A budget event of the outbox; ``payload`` is the body that goes out, as JSON text."""

    tenant: str
    seq: int
    type: str
    budget_uid: str
    at_us: int
    payload: str


@dataclass(slots=True)
class LedgerHead:
    """A tenant's ledger: the last ``seq`` given, the ``version`` of budgets and limits, the latest time seen.

    ``commits`` counts the batches: a process whose last batch left it at this number has seen them all.
    """

    tenant: str
    seq: int = 0
    version: int = 0
    last_now_us: int = 0
    commits: int = 0


@dataclass(slots=True)
class Changes:
    """Everything that one batch writes of one tenant. Windows carry their final figures, not differences."""

    head: LedgerHead = field(default_factory=lambda: LedgerHead(""))
    budgets: dict[str, Budget] = field(default_factory=dict[str, Budget])
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    paths: dict[str, ChargePath] = field(default_factory=dict[str, ChargePath])
    windows: dict[str, Window] = field(default_factory=dict[str, Window])
    operations: list[RecordedOperation] = field(default_factory=list[RecordedOperation])
    events: list[Event] = field(default_factory=list[Event])

    @property
    def rows(self) -> int:
        """How many operations the batch records."""
        return len(self.operations)
