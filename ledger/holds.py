"""Holds: what a reservation keeps back on named windows, until it is settled, released or expires.

A hold is a record of its own, never a difference on somebody's counter: what a window has ``reserved`` is
the sum of the open holds that name it, and can be recomputed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ledger.model import ChargePath, Meter, id_of


class HoldState(StrEnum):
    """Where a reservation is in its life."""

    HELD = "HELD"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class Decision(StrEnum):
    """What a caller should do."""

    ALLOW = "ALLOW"
    WARN = "WARN"
    THROTTLE = "THROTTLE"
    DENY = "DENY"


class HeldWindows(NamedTuple):
    """Uids of the windows that a hold is on, by what they count. All windows of a meter hold the same."""

    cost: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    level: tuple[str, ...] = ()


class HeldOverride(NamedTuple):
    """The override by which a reservation passed limits."""

    uid: str
    budget_uid: str
    amount_nano: int
    """What the reservation holds of it; once it has ended, what it spent of it."""
    windows: tuple[str, ...]
    """Of the limits that it passed."""


@dataclass(frozen=True, slots=True)
class HeldStream:
    """The stream that a reservation is billed for as it flows: one, from its first count to its end."""

    operation_id: str
    started_us: int
    """When its first count came: that of its usage, and of its prices."""
    chunks: tuple[tuple[int, int], ...] = ()
    """The numbers of the chunks that were counted, as runs [first, last], ascending."""
    ended: bool = False


@dataclass(slots=True)
class Hold:
    """One reservation. Its four amounts are what it holds now, on each window of ``windows``."""

    uid: str
    tenant: str
    reservation_id: str
    fingerprint: str
    agent_id: str
    path: ChargePath
    at_us: int
    """When it was admitted: it holds, and its usage is charged to, the windows of this instant."""
    created_at_us: int
    expires_at_us: int
    amount_nano: int
    """All that was granted; what is left of it is ``cost_nano``."""
    cost_nano: int
    tokens: int
    requests: int
    level: int
    windows: HeldWindows
    user_id: str | None = None
    provider: str | None = None
    model_id: str | None = None
    resource: str = "llm"
    """What limits on a resource count it as."""
    level_of: str | None = None
    """What its level counts, for instance agents."""
    state: HoldState = HoldState.HELD
    charged_nano: int = 0
    overrun_nano: int = 0
    """What was charged beyond what was held."""
    decision: Decision = Decision.ALLOW
    warnings: str | None = None
    """As JSON text."""
    prompt_tokens: int = 0
    """Those that were asked for; a stream is billed for them."""
    ttl_seconds: int = 0
    """How long it is held from the last sign of life of its stream on; 0: that changes nothing."""
    override: HeldOverride | None = None
    stream: HeldStream | None = None
    processing_time_ms: int | None = None
    """How long the stream's model has worked, as its caller says."""
    stored: bool = False
    """Whether its node exists."""

    @property
    def leaf_id(self) -> str:
        """The id of the budget that pays."""
        return id_of(self.path.leaf_uid)

    @property
    def overridden(self) -> tuple[str, ...]:
        """The windows whose limits it passed by an override."""
        return () if self.override is None else self.override.windows

    def facts(self) -> dict[str, str | None]:
        """What limits look at, for the windows that it is on."""
        return {
            "user_id": self.user_id,
            "provider": self.provider,
            "model_id": self.model_id,
            "agent_id": self.agent_id,
            "resource": self.resource,
            "level": self.level_of,
        }

    def amount_on(self, meter: Meter) -> int:
        """What it holds now on each window of a meter."""
        match meter:
            case Meter.COST:
                return self.cost_nano
            case Meter.TOKENS:
                return self.tokens
            case Meter.REQUESTS:
                return self.requests
            case Meter.LEVEL:
                return self.level
            case _:
                return 0

    def amounts(self) -> list[tuple[str, int]]:
        """What it holds now on each window, by the window's uid."""
        windows = self.windows
        return [
            *((uid, self.cost_nano) for uid in windows.cost),
            *((uid, self.tokens) for uid in windows.tokens),
            *((uid, self.requests) for uid in windows.requests),
            *((uid, self.level) for uid in windows.level),
        ]


def expiry_key(hold: Hold) -> str | None:
    """Sorts open holds of a tenant by when they expire; closed ones have none."""
    if hold.state is not HoldState.HELD:
        return None
    return f"{hold.tenant}/{hold.expires_at_us:016d}/{hold.reservation_id}"
