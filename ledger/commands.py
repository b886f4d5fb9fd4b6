"""What the ledger is asked to do. Every change to money, budgets and agents is one of these.

``scope_uid`` is the budget of the caller's API key: the caller sees and spends in that subtree and
nowhere else; None sees the whole tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

from ledger.agreement_commands import AgreementCommand
from ledger.archive import ArchiveUsage
from ledger.checks import check_amount, check_name, check_ttl
from ledger.errors import InvalidInput
from ledger.model import (
    AMOUNT_LIMIT,
    BudgetType,
    Enforcement,
    Meter,
    Recurrence,
    Threshold,
    Throttle,
    WindowKind,
    uid_of,
)
from ledger.override_commands import OverrideCommand
from ledger.price_commands import PriceCommand
from ledger.usage import Usage, digest_of, fingerprint_of
from pricing.bounds import Bound
from pricing.money import NANO_MAX
from pricing.quote import Quote
from pricing.units import COUNT_MAX

USAGES_MAX: Final = 1_000
AGENTS: Final = "agents"


@dataclass(frozen=True, slots=True)
class Record:
    """Record one usage, priced beforehand. Answers a ``RecordResult``."""

    tenant: str
    scope_uid: str | None
    usage: Usage
    quote: Quote


def reservation_id_of(tenant: str, idempotency_key: str) -> str:
    """The id of the reservation that a key asks for: one look-up finds it by either."""
    return digest_of(f"{tenant}\0{idempotency_key}")


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold money before it is spent. Answers a ``ReserveResult``. Raises ``LedgerError`` when it cannot be.

    ``bound`` is what the operation costs at most, worked out beforehand from the model and the counts; it
    does not matter where ``amount_nano`` is given. A lease of ``quantity`` of ``resource`` counts in limits
    on its level.
    """

    tenant: str
    scope_uid: str | None
    idempotency_key: str
    agent_id: str
    budget_id: str | None = None
    provider: str | None = None
    model_id: str | None = None
    prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    amount_nano: int | None = None
    ttl_seconds: int = 300
    user_id: str | None = None
    dry_run: bool = False
    bound: Bound = Bound()  # noqa: RUF009 - a tuple, so nobody can change it
    resource: str = AGENTS
    quantity: int = 1
    requests: int = 1
    """How many operations it is for; a lease that many calls are made on says how many."""
    size_bytes: int = 0
    """The size of its largest file, where limits on that matter."""
    tags: Mapping[str, str | float | bool] | None = None
    """What scoped budgets may match; a settlement is charged where these said."""
    parent_operation_id: str | None = None
    """The operation that delegates it: its budget pays where none is named."""
    reservation_id: str = field(init=False)
    uid: str = field(init=False)
    agent_uid: str = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        """Work out the keys here, outside of the ledger's lock."""
        for name, value in zip(_NAMES, _names_of(self), strict=True):
            if value is not None:
                check_name(value, name)
        for name in ("prompt_tokens", "max_completion_tokens"):
            count = getattr(self, name)
            if count is not None and not 0 <= count <= COUNT_MAX:
                raise InvalidInput(f"{name} ({count}) must be 0 to {COUNT_MAX}", field=name)
        check_amount(self.amount_nano, "amount")
        check_ttl(self.ttl_seconds)
        for name in ("quantity", "requests", "size_bytes"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} must not be negative", field=name)
        reservation_id = reservation_id_of(self.tenant, self.idempotency_key)
        object.__setattr__(self, "reservation_id", reservation_id)
        object.__setattr__(self, "uid", uid_of(self.tenant, reservation_id))
        object.__setattr__(self, "agent_uid", uid_of(self.tenant, self.agent_id))
        said = zip(_CONTENT, _content_of(self), strict=True)
        content = {name: value for name, value in said if value != _CONTENT[name]}
        object.__setattr__(self, "fingerprint", fingerprint_of(content))


# These are read in one go: seven names and fifteen words, of every reservation.
_NAMES: Final = (
    "idempotency_key",
    "agent_id",
    "budget_id",
    "provider",
    "model_id",
    "user_id",
    "parent_operation_id",
)
_CONTENT: Mapping[str, Any] = {
    "agent_id": None,
    "budget_id": None,
    "provider": None,
    "model_id": None,
    "prompt_tokens": None,
    "max_completion_tokens": None,
    "amount_nano": None,
    "ttl_seconds": 300,
    "user_id": None,
    "resource": AGENTS,
    "quantity": 1,
    "requests": 1,
    "size_bytes": 0,
    "tags": None,
    "parent_operation_id": None,
}
_names_of, _content_of = attrgetter(*_NAMES), attrgetter(*_CONTENT)


@dataclass(frozen=True, slots=True)
class Settle:
    """Charge usage to what is held. ``final`` gives the rest back. Answers a ``SettleResult``.

    Counts of an operation that was settled before are cumulative: each quote prices the sum.
    """

    tenant: str
    scope_uid: str | None
    reservation_id: str
    usages: tuple[tuple[Usage, Quote], ...]
    final: bool = True
    replaces: bool = False
    """Whether the counts are the last word on their operations: what was charged above them is given back."""

    def __post_init__(self) -> None:
        """At most 1,000 at a time."""
        if len(self.usages) > USAGES_MAX:
            raise InvalidInput(
                f"{len(self.usages)} usages in one call; at most {USAGES_MAX} are taken", field="usages"
            )


def stream_operation_id(reservation_id: str) -> str:
    """The operation that a reservation's stream is billed as, where its caller names none."""
    return f"stream/{reservation_id}"


@dataclass(frozen=True, slots=True)
class Stream:
    """Bill a reservation's stream as it flows, and ask what it should do. Answers a ``StreamResult``.

    Counts are of completion tokens: ``total_tokens`` are the stream's so far, ``token_count`` this chunk's,
    which its number makes safe to repeat. ``usage`` says what the stream is, and its final counts where it
    ``replaces`` what was counted; the price is worked out once the sum is known.
    """

    tenant: str
    scope_uid: str | None
    reservation_id: str
    usage: Usage
    """With the id of the operation if the caller named one; its agent is the reservation's."""
    operation_id: str | None = None
    token_count: int | None = None
    total_tokens: int | None = None
    chunk: int | None = None
    replaces: bool = False
    final: bool = False
    processing_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """Hold for longer, perhaps more: a heartbeat. Answers a ``ReserveResult``."""

    tenant: str
    scope_uid: str | None
    reservation_id: str
    idempotency_key: str
    ttl_seconds: int = 300
    add_amount_nano: int = 0

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_name(self.idempotency_key, "idempotency_key")
        check_ttl(self.ttl_seconds)
        check_amount(self.add_amount_nano, "add_amount")

    @property
    def request_uid(self) -> str:
        """The key of this request."""
        return uid_of(self.tenant, f"extend/{self.reservation_id}/{self.idempotency_key}")

    @property
    def fingerprint(self) -> str:
        """A digest of what the caller sent."""
        return fingerprint_of({"ttl_seconds": self.ttl_seconds, "add_amount_nano": self.add_amount_nano})


@dataclass(frozen=True, slots=True)
class Release:
    """Give back all that is held. Answers a ``Reservation``; a second time the same."""

    tenant: str
    scope_uid: str | None
    reservation_id: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Release what has expired, at most ``limit`` holds. Answers a ``Swept``."""

    tenant: str
    limit: int = 1_000


class AdjustmentKind(StrEnum):
    """Why an entry is adjusted."""

    REFUND = "REFUND"
    CREDIT = "CREDIT"
    CORRECTION = "CORRECTION"


@dataclass(frozen=True, slots=True)
class Adjust:
    """Change what an operation cost, by an entry that names the one it adjusts. Answers an ``Adjusted``.

    ``change_nano`` is added to the cost: below zero for refunds and credits. ``entry_uid`` names the entry,
    else it is the operation's first.
    """

    tenant: str
    scope_uid: str | None
    idempotency_key: str
    operation_id: str
    change_nano: int
    kind: AdjustmentKind = AdjustmentKind.CORRECTION
    entry_uid: str | None = None
    reason: str | None = None
    author: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_name(self.idempotency_key, "idempotency_key")
        if not self.change_nano or abs(self.change_nano) > NANO_MAX:
            raise InvalidInput("an adjustment changes the cost by something", field="change")
        if self.kind is not AdjustmentKind.CORRECTION and self.change_nano > 0:
            raise InvalidInput(f"a {self.kind.value.lower()} gives money back", field="change")

    @property
    def request_uid(self) -> str:
        """The key of this request."""
        return uid_of(self.tenant, f"adjust/{self.idempotency_key}")

    @property
    def fingerprint(self) -> str:
        """A digest of what the caller sent."""
        content = [self.operation_id, self.change_nano, self.kind.value, self.entry_uid, self.reason]
        return fingerprint_of({"adjust": content})


@dataclass(frozen=True, slots=True)
class IncreaseLimit:
    """Allow more than a limit's amount for a while. Answers the ``Budget``."""

    tenant: str
    scope_uid: str | None
    idempotency_key: str
    budget_id: str
    amount: int
    until_us: int
    from_us: int | None = None
    """None: from now on."""
    limit_key: str = AMOUNT_LIMIT
    author: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_name(self.idempotency_key, "idempotency_key")
        check_amount(self.amount, "amount")

    @property
    def request_uid(self) -> str:
        """The key of this request."""
        return uid_of(self.tenant, f"increase/{self.idempotency_key}")

    @property
    def fingerprint(self) -> str:
        """A digest of what the caller sent."""
        content = [self.budget_id, self.amount, self.from_us, self.until_us, self.limit_key]
        return fingerprint_of({"increase": content})


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """One limit as asked for; ``amount`` in nano-units for COST, a count otherwise."""

    meter: Meter
    amount: int
    window: WindowKind | None = None
    enforcement: Enforcement = Enforcement.HARD
    resource: str | None = None
    each: str | None = None
    throttle: Throttle | None = None


@dataclass(frozen=True, slots=True)
class CreateBudget:
    """Create a budget; equal content returns the existing one. Answers a ``Budget``."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    budget_type: BudgetType
    parent_budget_id: str | None = None
    name: str | None = None
    amount_nano: int | None = None
    currency: str = "USD"
    resource_id: str | None = None
    period_start_us: int | None = None
    period_end_us: int | None = None
    recurrence: Recurrence = Recurrence.NONE
    timezone: str = "UTC"
    warning_threshold_ppm: int = 800_000
    priority: int | None = None
    limits: tuple[LimitSpec, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    """Beside the warning threshold; one of the same height says how that is left."""
    cool_down_seconds: int = 0
    carry_over_cap_nano: int | None = None
    """How much of what a period leaves of the amount the next one has on top; None: nothing."""
    low_balance_nano: int | None = None
    """The balance of its wallet that is low; None: 0."""
    author: str | None = None
    """The id of the key that asks; of every act of administration."""


@dataclass(frozen=True, slots=True)
class UpdateBudget:
    """Change some fields of a budget: ``changes`` maps field names of ``CreateBudget`` to values."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    author: str | None = None


@dataclass(frozen=True, slots=True)
class MoveBudget:
    """Hang a budget under another parent (None: make it a root). It moves the future, not the past."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    new_parent_budget_id: str | None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class CloseBudget:
    """Close a budget for good. Closing it again changes nothing."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    author: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterAgent:
    """Create or change an agent. Parents are created when unknown; a lineage is acyclic."""

    tenant: str
    scope_uid: str | None
    agent_id: str
    name: str | None = None
    parent_agent_ids: tuple[str, ...] = ()
    budget_id: str | None = None
    user_id: str | None = None
    metadata: str | None = None
    """JSON text."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Add prepaid credit to a budget's wallet; below zero: take back what is available. Answers ``Budget``.

    The first one gives the budget its wallet: what is spent from then on is spent from it.
    """

    tenant: str
    scope_uid: str | None
    idempotency_key: str
    budget_id: str
    amount_nano: int
    reason: str | None = None
    author: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_name(self.idempotency_key, "idempotency_key")
        check_name(self.reason, "reason")
        if not self.amount_nano:
            raise InvalidInput("a top-up adds something", field="amount")
        check_amount(abs(self.amount_nano), "amount")

    @property
    def request_uid(self) -> str:
        """The key of this request."""
        return uid_of(self.tenant, f"topup/{self.idempotency_key}")

    @property
    def fingerprint(self) -> str:
        """A digest of what the caller sent."""
        return fingerprint_of({"topup": [self.budget_id, self.amount_nano, self.reason]})


Administer = CreateBudget | UpdateBudget | MoveBudget | CloseBudget | IncreaseLimit | TopUp
Reserving = Reserve | Settle | Stream | Extend | Release
Saying = PriceCommand | AgreementCommand | ArchiveUsage
Command = Record | Reserving | Sweep | Adjust | Administer | OverrideCommand | RegisterAgent | Saying
