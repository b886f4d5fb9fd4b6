"""What decisions may read beyond what was loaded for them, and the nouns of what they read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from ledger.archive import RawUsage
from ledger.changes import AgreementMonth, KnownRequest, MonthUse, Notice
from ledger.holds import Hold
from ledger.model import Agent, ChargePath, CostEntry, Override, Pricing, Window
from ledger.plan import Facts
from ledger.results import RecordedUsage
from pricing.quote import PricingRequest
from pricing.rates import Costs
from pricing.units import NO_COUNTS, TokenCounts
from pricing.volume import MonthSums


class KnownOperation(NamedTuple):
    """A usage that is recorded: enough to answer a repetition and to find who paid for it."""

    uid: str
    fingerprint: str
    leaf_uid: str
    pricing: Pricing
    answer: RecordedUsage
    counts: TokenCounts = NO_COUNTS
    """All that is recorded of it so far: an operation may grow."""
    grown: Costs | None = None
    """All that was charged for it, where that is more than its first entry."""
    reservation_uid: str | None = None
    estimated_nano: int | None = None
    """What it was expected to cost, where somebody said so."""
    parent_uid: str | None = None
    """The operation that delegated it, recorded or not."""

    @property
    def charged(self) -> Costs:
        """All that was charged for it, adjustments apart."""
        if self.grown is not None:
            return self.grown
        entry = self.answer.cost_entry
        if entry is None:
            return _NOTHING
        return Costs(entry.prompt_cost_nano, entry.completion_cost_nano, entry.other_cost_nano)


_NOTHING: Final = Costs(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Spent:
    """What entries add up to, by meter, for usage of the same facts where it was asked for by facts."""

    cost_nano: int
    tokens: int
    requests: int
    user_id: str | None = None
    agent_id: str | None = None
    provider: str | None = None
    model_id: str | None = None
    resource: str | None = None

    def facts(self) -> Facts:
        """What limits look at."""
        return {
            "user_id": self.user_id,
            "agent_id": self.agent_id,
            "provider": self.provider,
            "model_id": self.model_id,
            "resource": self.resource,
        }


@dataclass(frozen=True, slots=True)
class Book:
    """An operation's entries, each with the path that it was charged to, and the operation's facts."""

    facts: Facts
    entries: tuple[tuple[CostEntry, ChargePath], ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """A recorded operation as far as its price goes: what was used, who paid, what was charged so far."""

    uid: str
    operation_id: str
    request: PricingRequest
    path: ChargePath
    facts: Facts
    pricing: Pricing
    charged_at_us: int
    """The instant whose windows it counts in."""
    entries: tuple[CostEntry, ...]
    """In the order of writing."""
    estimated_nano: int | None = None
    """What it was expected to cost, where somebody said so."""


class Reader(Protocol):
    """What decisions may read beyond what was loaded for them; all under the ledger's lock."""

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        """Those of the windows that exist, by uid."""
        ...

    def windows_of(self, limit_uid: str, ending_after_us: int | None) -> list[Window]:
        """The windows of a limit that exist and end after an instant, or never; None: all of them."""
        ...

    def paths(self, uids: Iterable[str]) -> set[str]:
        """Those of the charge paths that exist."""
        ...

    def agents(self, uids: Iterable[str]) -> dict[str, Agent]:
        """Those of the agents that exist, by uid."""
        ...

    def operations(self, uids: Iterable[str]) -> dict[str, KnownOperation]:
        """Those of the operations that exist, by uid."""
        ...

    def awaited(self, uids: Iterable[str]) -> dict[str, int]:
        """How many operations wait for each of some operations, each named once; 0 left out."""
        ...

    def spent(self, budget_uid: str, start_us: int | None, end_us: int | None) -> Spent:
        """What was charged to a budget in [start_us, end_us), from the entries themselves."""
        ...

    def spent_by_facts(self, budget_uid: str, start_us: int | None, end_us: int | None) -> list[Spent]:
        """As ``spent``, apart for each combination of user, agent, provider, model and resource."""
        ...

    def holds(self, uids: Iterable[str]) -> dict[str, Hold]:
        """Those of the reservations that exist, by uid."""
        ...

    def open_holds(self, budget_uid: str) -> list[Hold]:
        """The reservations that hold on paths which lead to a budget."""
        ...

    def first_to_expire(self, tenant: str, after_key: str, limit: int) -> list[tuple[str, str, int]]:
        """Open holds by expiry, from a key on: expiry key, uid, and when they expire."""
        ...

    def requests(self, uids: Iterable[str]) -> dict[str, KnownRequest]:
        """Those of the requests with an idempotency key that were answered before, by uid."""
        ...

    def overrides(self, uids: Iterable[str]) -> dict[str, Override]:
        """Those of the overrides that exist, by uid."""
        ...

    def open_overrides(self, tenant: str, now_us: int) -> list[Override]:
        """The tenant's overrides that are neither revoked nor past their end."""
        ...

    def notices(self, budget_uids: Iterable[str]) -> dict[str, Notice]:
        """When those of the budgets told something last that cool down and ever told anything."""
        ...

    def due_notices(self, tenant: str, now_us: int, limit: int) -> list[str]:
        """Budgets that held something back and have cooled down by now, the first one first."""
        ...

    def months(self, uids: Iterable[str]) -> dict[str, MonthUse]:
        """Those of the months' uses that exist, by uid."""
        ...

    def agreement_months(self, uids: Iterable[str]) -> dict[str, AgreementMonth]:
        """Those of the agreements' months that exist, by uid."""
        ...

    def months_of_agreement(self, tenant: str, agreement_id: str) -> list[AgreementMonth]:
        """The months of an agreement that exist."""
        ...

    def month_sums(self, budget_uid: str, spans: Sequence[tuple[int, int]]) -> list[MonthSums]:
        """What was charged to a budget in each [start_us, end_us), from the entries, statements apart."""
        ...

    def bills(self, uids: Iterable[str]) -> list[Bill]:
        """Those of the operations that exist, as far as their prices go."""
        ...

    def raw(self, uids: Iterable[str]) -> list[RawUsage]:
        """Those of the operations that exist and have a cost, as far as archiving looks at them."""
        ...

    def book(self, operation_uid: str) -> Book | None:
        """An operation's entries, if it is recorded."""
        ...
