"""What is not tokens: sandboxes, storage, transfer. Rates are cards like any other; these are ours.

===================  ===================  ==========================================================
unit                 resource type        our rate
===================  ===================  ==========================================================
``cpu_core_hour``    SandboxCPU           0.10 USD
``memory_gb_hour``   SandboxMemory        0.01 USD
``disk_gb_hour``     SandboxDisk          0.0001 USD
``gpu_a100_hour``    SandboxGPU           2.50 USD
``gpu_v100_hour``    SandboxGPU           1.25 USD
``ingress_gb``       DataTransfer         free
``egress_gb``        DataTransfer         free up to 100 GB a month and budget root, then 0.09 USD
``storage_gb_hour``  Storage              none: unpriced until a card gives one
===================  ===================  ==========================================================

A GB is 10^9 bytes. Quantities are billionths of a unit, rounded half to even where hours of seconds are not
finite decimals; the cost of a part is its quantity at its rate, rounded once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from pricing.book import Book
from pricing.cards import RateCard, RateLine
from pricing.errors import ImpossibleCount, InvalidAmount, UnknownResource
from pricing.money import NANO, check_digits, check_range, checked_sum, round_ratio
from pricing.ports import RateSource
from pricing.steps import Basis
from pricing.units import Resource

GB_BYTES: Final = 10**9
HOUR_SECONDS: Final = 3600
SOURCE: Final = "resources"
FREE_EGRESS_GB: Final = 100


class ResourceType(StrEnum):
    """The source document's words for what was used."""

    LLM_TOKENS = "LLMTokens"
    SANDBOX_CPU = "SandboxCPU"
    SANDBOX_MEMORY = "SandboxMemory"
    SANDBOX_DISK = "SandboxDisk"
    SANDBOX_GPU = "SandboxGPU"
    STORAGE = "Storage"
    DATA_TRANSFER = "DataTransfer"

    @classmethod
    def of(cls, text: str, field: str = "resource_type") -> "ResourceType":
        """The type of that name. Raises ``UnknownResource``."""
        try:
            return cls(text)
        except ValueError:
            message = f"unknown resource type {text[:_TEXT_MAX]!r}; known are {', '.join(cls)}"
            raise UnknownResource(message, field) from None


class GpuType(StrEnum):
    """The kinds of GPU that have a rate."""

    A100 = "A100"
    V100 = "V100"

    @classmethod
    def of(cls, text: str, field: str = "gpu_type") -> "GpuType":
        """The kind of that name. Raises ``UnknownResource``."""
        try:
            return cls(text.upper())
        except ValueError:
            message = f"unknown GPU {text[:_TEXT_MAX]!r}; known are {', '.join(cls)}"
            raise UnknownResource(message, field) from None


_TEXT_MAX: Final = 64
UNITS: Final[dict[str, ResourceType]] = {
    "cpu_core_hour": ResourceType.SANDBOX_CPU,
    "memory_gb_hour": ResourceType.SANDBOX_MEMORY,
    "disk_gb_hour": ResourceType.SANDBOX_DISK,
    "gpu_a100_hour": ResourceType.SANDBOX_GPU,
    "gpu_v100_hour": ResourceType.SANDBOX_GPU,
    "storage_gb_hour": ResourceType.STORAGE,
    "ingress_gb": ResourceType.DATA_TRANSFER,
    "egress_gb": ResourceType.DATA_TRANSFER,
}
"""Every unit of ours, with its type."""
GPU_UNITS: Final = {GpuType.A100: "gpu_a100_hour", GpuType.V100: "gpu_v100_hour"}


def type_of(unit: str, field: str = "unit") -> ResourceType:
    """The type of a unit. Raises ``UnknownResource``."""
    found = UNITS.get(unit)
    if found is None:
        message = f"unknown unit {unit[:_TEXT_MAX]!r}; known are {', '.join(UNITS)}"
        raise UnknownResource(message, field)
    return found


def default_cards() -> tuple[RateCard, ...]:
    """Our rates as cards: the last link of the chain for resources; contracts and overrides go over them."""
    flat = {
        "cpu_core_hour": "0.10",
        "memory_gb_hour": "0.01",
        "disk_gb_hour": "0.0001",
        "gpu_a100_hour": "2.50",
        "gpu_v100_hour": "1.25",
        "ingress_gb": "0",
    }
    lines = [RateLine(unit, Decimal(price)) for unit, price in flat.items()]
    above = ((FREE_EGRESS_GB, Decimal("0.09")),)
    lines.append(RateLine("egress_gb", Decimal(0), steps=above, basis=Basis.MONTH))
    return tuple(
        RateCard(f"{SOURCE}/{line.unit}", None, line.unit, (line,), SOURCE, version="1") for line in lines
    )


def price_lists(catalogue: RateSource) -> tuple[RateSource, ...]:
    """The lists that an organisation's own cards lie over: the catalogue of models, then our resources."""
    return catalogue, Book(default_cards())


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One use of a sandbox, which is billed as its parts. Durations are exact hours."""

    cpu_cores: Decimal = Decimal(0)
    memory_gb: Decimal = Decimal(0)
    disk_gb: Decimal = Decimal(0)
    gpu_count: int = 0
    gpu_type: GpuType | None = None
    duration_hours: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        given: dict[str, Decimal | int | Fraction] = {
            "cpu_cores": self.cpu_cores,
            "memory_gb": self.memory_gb,
            "disk_gb": self.disk_gb,
            "gpu_count": self.gpu_count,
            "duration_hours": self.duration_hours,
        }
        for field, value in given.items():
            if isinstance(value, Decimal) and not value.is_finite():
                raise ImpossibleCount(f"{field} ({value}) must be a finite number", field)
            if value < 0:
                raise ImpossibleCount(f"{field} ({value}) must not be negative", field)
        if self.gpu_count and self.gpu_type is None:
            raise UnknownResource(f"gpu_count is {self.gpu_count}, but gpu_type is missing", "gpu_type")

    @classmethod
    def for_seconds(cls, seconds: Decimal | int, **parts: object) -> "Sandbox":
        """A use of so many seconds."""
        return cls(duration_hours=Fraction(seconds) / HOUR_SECONDS, **parts)  # type: ignore[arg-type]

    def parts(self) -> list[Resource]:
        """What was used of each, without what was not."""
        hours = self.duration_hours
        wholes = [
            ("cpu_core_hour", Fraction(self.cpu_cores)),
            ("memory_gb_hour", Fraction(self.memory_gb)),
            ("disk_gb_hour", Fraction(self.disk_gb)),
        ]
        if self.gpu_type is not None:
            wholes.append((GPU_UNITS[self.gpu_type], Fraction(self.gpu_count)))
        return [quantity(amount * hours, unit) for unit, amount in wholes if amount * hours]


def quantity(amount: Fraction, unit: str) -> Resource:
    """An exact quantity of a unit, to the billionth. Raises ``PricingError`` for what cannot be."""
    type_of(unit)
    if amount < 0:
        raise ImpossibleCount(f"quantity ({amount}) must not be negative", "quantity")
    nano = round_ratio(amount.numerator * NANO, amount.denominator)
    return Resource(check_range(nano, "quantity"), unit)


def transferred(size_bytes: int, *, outwards: bool) -> Resource:
    """A transfer of so many bytes."""
    if size_bytes < 0:
        raise ImpossibleCount(f"bytes ({size_bytes}) must not be negative", "bytes")
    return quantity(Fraction(size_bytes, GB_BYTES), "egress_gb" if outwards else "ingress_gb")


def stored(size_bytes: int, seconds: Decimal | int) -> Resource:
    """So many bytes, kept for so long."""
    if size_bytes < 0 or seconds < 0:
        message = f"bytes ({size_bytes}) and seconds ({seconds}) must not be negative"
        raise ImpossibleCount(message, "bytes")
    return quantity(Fraction(size_bytes, GB_BYTES) * Fraction(seconds) / HOUR_SECONDS, "storage_gb_hour")


def reported_nano(resource: Resource, unit_cost: Decimal) -> int:
    """What a caller says that it cost, by the price of one unit: treated like a provider's own figure."""
    if not unit_cost.is_finite() or unit_cost < 0:
        raise InvalidAmount(f"unit_cost ({unit_cost}) must not be negative", "unit_cost")
    exact = Fraction(check_digits(unit_cost, "unit_cost")) * resource.quantity_nano
    return check_range(round_ratio(exact.numerator, exact.denominator), "total_cost")


class CostBreakdown(NamedTuple):
    """The source document's division of a sum of costs, in nano-units of one currency."""

    llm_cost_nano: int = 0
    sandbox_cost_nano: int = 0
    storage_cost_nano: int = 0
    data_transfer_cost_nano: int = 0

    @property
    def total_cost_nano(self) -> int:
        """The sum of the four."""
        return sum(self)

    @classmethod
    def of(cls, costs: Iterable[tuple[ResourceType, int]]) -> "CostBreakdown":
        """The division of costs of known types. Raises ``AmountOutOfRange``."""
        sums = [0, 0, 0, 0]
        for kind, cost_nano in costs:
            sums[_SHARES[kind]] += cost_nano
        checked_sum(sums, "total_cost")
        return cls(*sums)


_SHARES: Final = {
    ResourceType.LLM_TOKENS: 0,
    ResourceType.SANDBOX_CPU: 1,
    ResourceType.SANDBOX_MEMORY: 1,
    ResourceType.SANDBOX_DISK: 1,
    ResourceType.SANDBOX_GPU: 1,
    ResourceType.STORAGE: 2,
    ResourceType.DATA_TRANSFER: 3,
}
