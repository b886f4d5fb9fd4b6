"""What the ledger is asked to do. Every change to money, budgets and agents is one of these.

``scope_uid`` is the budget of the caller's API key: the caller sees and spends in that subtree and
nowhere else; None sees the whole tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.model import BudgetType, Enforcement, Meter, Recurrence, WindowKind
from ledger.usage import Usage
from pricing.quote import Quote


@dataclass(frozen=True, slots=True)
class Record:
    """Record one usage, priced beforehand. Answers a ``RecordResult``."""

    tenant: str
    scope_uid: str | None
    usage: Usage
    quote: Quote


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """One limit as asked for; ``amount`` in nano-units for COST, a count otherwise."""

    meter: Meter
    amount: int
    window: WindowKind | None = None
    enforcement: Enforcement = Enforcement.HARD
    resource: str | None = None
    each: str | None = None


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


@dataclass(frozen=True, slots=True)
class UpdateBudget:
    """Change some fields of a budget: ``changes`` maps field names of ``CreateBudget`` to values."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class MoveBudget:
    """Hang a budget under another parent (None: make it a root). It moves the future, not the past."""

    tenant: str
    scope_uid: str | None
    budget_id: str
    new_parent_budget_id: str | None


@dataclass(frozen=True, slots=True)
class CloseBudget:
    """Close a budget for good. Closing it again changes nothing."""

    tenant: str
    scope_uid: str | None
    budget_id: str


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


Administer = CreateBudget | UpdateBudget | MoveBudget | CloseBudget
Command = Record | Administer | RegisterAgent
