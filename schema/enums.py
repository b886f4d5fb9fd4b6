"""The enums of the API: those of the rooms below, under their own names.

Importing this module makes them GraphQL types; members are shown by name, stored by value.
"""

from enum import StrEnum
from inspect import getdoc

import strawberry

from insight.rollups import Dimension, Granularity
from ledger.access import Role
from ledger.commands import AdjustmentKind
from ledger.holds import Decision
from ledger.holds import HoldState as ReservationState
from ledger.model import (
    BudgetState,
    BudgetType,
    Enforcement,
    EntryKind,
    Meter,
    Outcome,
    Recurrence,
    WindowKind,
)
from ledger.results import RepricedAs
from pricing.modes import Mode as ProcessingMode
from pricing.quote import Pricing
from pricing.steps import Basis as StepBasis
from pricing.steps import Semantics as StepSemantics

__all__ = [
    "AdjustmentKind",
    "BudgetState",
    "BudgetType",
    "Decision",
    "Dimension",
    "Enforcement",
    "EntryKind",
    "Granularity",
    "Meter",
    "Outcome",
    "Pricing",
    "ProcessingMode",
    "Recurrence",
    "RepricedAs",
    "ReservationState",
    "Role",
    "StepBasis",
    "StepSemantics",
    "WindowKind",
]

ENUMS: tuple[type[StrEnum], ...] = (
    AdjustmentKind,
    BudgetState,
    BudgetType,
    Decision,
    Dimension,
    Enforcement,
    EntryKind,
    Granularity,
    Meter,
    Outcome,
    Pricing,
    Recurrence,
    RepricedAs,
    Role,
    WindowKind,
)

for _each in ENUMS:
    strawberry.enum(_each, description=getdoc(_each))
for _kind, _name in (
    (ProcessingMode, "ProcessingMode"),
    (StepBasis, "StepBasis"),
    (StepSemantics, "StepSemantics"),
):
    strawberry.enum(_kind, name=_name, description=getdoc(_kind))
strawberry.enum(ReservationState, name="ReservationState", description=getdoc(ReservationState))
