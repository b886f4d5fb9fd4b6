"""The enums of the API: those of the rooms below, under their own names.

Importing this module makes them GraphQL types; members are shown by name, stored by value.
"""

from enum import StrEnum
from inspect import getdoc

import strawberry

from evolution.analysis import FrontierKind
from evolution.columns import CostSource
from evolution.fitness import Aggregate
from evolution.records import EfficiencyBy, Normalisation, Operator
from evolution.records import Missing as MissingTasks
from evolution.records import Role as EvaluationRole
from evolution.records import UnknownCost as UnknownCosts
from insight.rollups import Dimension, Granularity
from ledger.access import Role
from ledger.archive import ArchiveState
from ledger.archive import Kept as KeptReason
from ledger.commands import AdjustmentKind
from ledger.events import BudgetEventType
from ledger.holds import Decision
from ledger.holds import HoldState as ReservationState
from ledger.model import (
    BudgetState,
    BudgetType,
    Enforcement,
    EntryKind,
    Meter,
    Outcome,
    OverrideState,
    Recurrence,
    WindowKind,
)
from ledger.price_sources import HeldState as HeldPriceState
from ledger.price_sources import RefreshOutcome
from ledger.results import RepricedAs
from pricing.anomaly import Severity
from pricing.modes import Mode as ProcessingMode
from pricing.quote import Pricing
from pricing.review import Verdict as JumpVerdict
from pricing.sources import SourceKind as PriceSourceKind
from pricing.steps import Basis as StepBasis
from pricing.steps import Semantics as StepSemantics
from pricing.tokens import Method as EstimateMethod
from pricing.volume import LineKind as AgreementLineKind
from pricing.volume import Measure as VolumeMeasure

__all__ = [
    "AdjustmentKind",
    "Aggregate",
    "AgreementLineKind",
    "ArchiveState",
    "BudgetEventType",
    "BudgetState",
    "BudgetType",
    "CostSource",
    "Decision",
    "Dimension",
    "EfficiencyBy",
    "Enforcement",
    "EntryKind",
    "EstimateMethod",
    "EvaluationRole",
    "FrontierKind",
    "Granularity",
    "HeldPriceState",
    "JumpVerdict",
    "KeptReason",
    "Meter",
    "MissingTasks",
    "Normalisation",
    "Operator",
    "Outcome",
    "OverrideState",
    "PriceSourceKind",
    "Pricing",
    "ProcessingMode",
    "Recurrence",
    "RefreshOutcome",
    "RepricedAs",
    "ReservationState",
    "Role",
    "Severity",
    "StepBasis",
    "StepSemantics",
    "UnknownCosts",
    "VolumeMeasure",
    "WindowKind",
]

ENUMS: tuple[type[StrEnum], ...] = (
    AdjustmentKind,
    Aggregate,
    ArchiveState,
    BudgetEventType,
    BudgetState,
    BudgetType,
    CostSource,
    Decision,
    Dimension,
    EfficiencyBy,
    Enforcement,
    EntryKind,
    FrontierKind,
    Granularity,
    Meter,
    Normalisation,
    Operator,
    Outcome,
    OverrideState,
    Pricing,
    Recurrence,
    RefreshOutcome,
    RepricedAs,
    Role,
    Severity,
    WindowKind,
)

RENAMED: dict[str, type[StrEnum]] = {
    "AgreementLineKind": AgreementLineKind,
    "EstimateMethod": EstimateMethod,
    "EvaluationRole": EvaluationRole,
    "HeldPriceState": HeldPriceState,
    "JumpVerdict": JumpVerdict,
    "KeptReason": KeptReason,
    "MissingTasks": MissingTasks,
    "PriceSourceKind": PriceSourceKind,
    "ProcessingMode": ProcessingMode,
    "ReservationState": ReservationState,
    "StepBasis": StepBasis,
    "StepSemantics": StepSemantics,
    "UnknownCosts": UnknownCosts,
    "VolumeMeasure": VolumeMeasure,
}
"""Those whose own name says too little among all others."""

for _each in ENUMS:
    strawberry.enum(_each, description=getdoc(_each))
for _name, _each in RENAMED.items():
    strawberry.enum(_each, name=_name, description=getdoc(_each))
