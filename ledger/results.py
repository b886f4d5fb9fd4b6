"""What the ledger answers. Refusals that a client must act on are values; the rest is raised."""

from dataclasses import dataclass

from ledger.model import CostEntry, Pricing, Warning


@dataclass(frozen=True, slots=True)
class RecordedUsage:
    """The usage is committed. ``duplicate``: it already was, and this is what was answered then."""

    operation_id: str
    duplicate: bool
    pricing: Pricing
    cost_entry: CostEntry | None
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationConflict:
    """The operation id is taken by other content. Nothing was recorded."""

    operation_id: str
    message: str


@dataclass(frozen=True, slots=True)
class InvalidUsage:
    """The usage can never be recorded as it stands. Nothing was recorded."""

    operation_id: str
    code: str
    field: str | None
    message: str


RecordResult = RecordedUsage | OperationConflict | InvalidUsage
