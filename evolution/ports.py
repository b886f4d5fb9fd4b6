"""What the runner needs from the outside: a ledger that holds and charges money, and a log that survives.

``server`` wires both: the ledger in-process or over HTTP, the log in the graph. Errors that mean "ask again"
carry ``retryable = True``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evolution.records import Evaluation


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Hold ``amount_nano``, the most that one evaluation can cost, before it starts.

    ``key`` makes asking again harmless: the same key is the same hold.
    """

    key: str
    agent_id: str
    budget_id: str | None
    amount_nano: int
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Held:
    """Money is held. ``key`` is that of the request."""

    hold_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit would be passed. Nothing is held."""

    message: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is held for now: ask again in a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lapsed:
    """This key's hold has ended (settled, released or expired): a new attempt needs a key of its own."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What an evaluation used. The ledger prices ``usages`` (words of ``UsageInput``) where there are any.

    Else ``cost_nano`` is what the evaluator was billed. With neither, the cost is unknown, and the ledger
    charges what is held: an unknown cost is never free. ``operation_id`` names the charge for good.
    """

    operation_id: str
    agent_id: str
    session_id: str
    cost_nano: int | None
    currency: str
    failed: bool
    usages: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was charged. ``cost_nano`` is None where that is an estimate, not a known cost."""

    charged_nano: int
    cost_nano: int | None
    overrun_nano: int = 0
    """What was charged beyond the hold, so perhaps beyond the budget: the bound was no bound."""


class ExperimentLedger(Protocol):
    """Hold, charge, give back. Every call may be repeated with the same words."""

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        """Hold money, or say why not."""
        ...

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        """The evaluation still runs: keep the hold for so long from now."""
        ...

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        """Charge, and give the rest back. A repetition answers the first receipt and charges nothing."""
        ...


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One evaluation's outcome. Written when it is known (``receipt`` None), and again when it is paid.

    In between a crash may fall: then the bill is settled from here, and the evaluation not run again.
    """

    experiment_id: str
    operation_id: str
    evaluation: Evaluation
    hold: Held
    bill: Bill
    receipt: Receipt | None = None


class EvaluationLog(Protocol):
    """Durable before it answers."""

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        """All that was written, in that order."""
        ...

    async def append(self, entry: LogEntry) -> None:
        """Write one entry."""
        ...
