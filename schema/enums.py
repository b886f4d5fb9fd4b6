"""The enums of the API: those of the rooms below, under their own names.

Importing this module makes them GraphQL types; members are shown by name, stored by value.
"""

from enum import StrEnum
from inspect import getdoc

import strawberry

from insight.rollups import Dimension, Granularity
from ledger.access import Role
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
from pricing.quote import Pricing

__all__ = [
    "BudgetState",
    "BudgetType",
    "Dimension",
    "Enforcement",
    "EntryKind",
    "Granularity",
    "Meter",
    "Outcome",
    "Pricing",
    "Recurrence",
    "Role",
    "WindowKind",
]

ENUMS: tuple[type[StrEnum], ...] = (
    BudgetState,
    BudgetType,
    Dimension,
    Enforcement,
    EntryKind,
    Granularity,
    Meter,
    Outcome,
    Pricing,
    Recurrence,
    Role,
    WindowKind,
)

for _each in ENUMS:
    strawberry.enum(_each, description=getdoc(_each))
