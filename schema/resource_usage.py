"""What is not tokens: sandboxes, storage, transfer; and how a budget's costs divide."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Self

import strawberry

from insight.rollups import RollupResult
from ledger.errors import InvalidInput
from pricing import resources
from pricing.money import from_nano, parse_decimal
from pricing.resources import HOUR_SECONDS, UNITS, GpuType, ResourceType, Sandbox, type_of
from schema.scalars import JSON, BigInt, DateTime, Decimal, InstantText
from schema.words import money

ZERO = Decimal("0")


@strawberry.input(description="One use of a sandbox, recorded as its parts: core-hours, GB-hours, GPU-hours.")
class SandboxInput:
    """One use of a sandbox."""

    cpu_cores: Decimal = ZERO
    memory_gb: Decimal = ZERO
    disk_gb: Decimal = ZERO
    gpu_count: int = 0
    gpu_type: str | None = strawberry.field(description="A100 or V100.")
    duration_hours: Decimal | None
    duration_seconds: Decimal | None

    def parts(self) -> Iterator[tuple[str, str]]:
        """Units and quantities. Raises ``PricingError``, ``InvalidInput``."""
        if (self.duration_hours is None) == (self.duration_seconds is None):
            raise InvalidInput(
                "say duration_hours or duration_seconds, one of the two", field="duration_hours"
            )
        if self.duration_hours is not None:
            hours = Fraction(parse_decimal(self.duration_hours, "duration_hours"))
        else:
            hours = Fraction(parse_decimal(self.duration_seconds or ZERO, "duration_seconds")) / HOUR_SECONDS
        sandbox = Sandbox(
            parse_decimal(self.cpu_cores, "cpu_cores"),
            parse_decimal(self.memory_gb, "memory_gb"),
            parse_decimal(self.disk_gb, "disk_gb"),
            self.gpu_count,
            None if self.gpu_type is None else GpuType.of(self.gpu_type),
            hours,
        )
        for part in sandbox.parts():
            yield part.unit, f"{from_nano(part.quantity_nano):f}"


@strawberry.input(
    description="Something that was used and is not tokens: a quantity of a unit, or a sandbox."
)
class RecordResourceUsageInput:
    """Something that was used and is not tokens."""

    operation_id: strawberry.ID = strawberry.field(
        description="Of a sandbox, each part has it with its unit: op/cpu_core_hour."
    )
    agent_id: strawberry.ID
    budget_id: strawberry.ID | None
    user_id: strawberry.ID | None
    session_id: strawberry.ID | None
    region: str | None
    parent_operation_id: strawberry.ID | None
    timestamp: InstantText | None
    resource_type: str | None = strawberry.field(
        description=f"{', '.join(each for each in ResourceType)}: it must be that of the unit."
    )
    unit: str | None = strawberry.field(description=f"{', '.join(UNITS)}.")
    quantity: Decimal | None
    unit_cost: Decimal | None = strawberry.field(
        description="What one unit cost, by the caller's word; else a rate card says it."
    )
    unit_cost_currency: str = "USD"
    sandbox: SandboxInput | None
    metadata: JSON | None = strawberry.field(description="Free tags.")

    def rows(self) -> list[dict[str, Any]]:
        """The words of ``ledger.usage.UsageInput``, a row for each part. Raises as ``parts`` does."""
        said: dict[str, Any] = {
            "agent_id": self.agent_id,
            "budget_id": self.budget_id,
            "user_id": self.user_id,
            "session_id": self.session_id,
            "region": self.region,
            "parent_operation_id": self.parent_operation_id,
            "timestamp": self.timestamp,
            "tags": self.metadata,
            "capability_type": "resource",
        }
        shared = {name: value for name, value in said.items() if value is not None}
        if self.sandbox is not None:
            for name in ("unit", "quantity", "unit_cost"):
                if getattr(self, name) is not None:
                    raise InvalidInput(f"{name} is said by sandbox: send one of the two", field=name)
            parts = list(self.sandbox.parts())
            if not parts:
                raise InvalidInput("sandbox uses nothing", field="sandbox")
            return [
                {**shared, "operation_id": f"{self.operation_id}/{unit}", "unit": unit, "quantity": quantity}
                for unit, quantity in parts
            ]
        if self.unit is None or self.quantity is None:
            raise InvalidInput("say unit and quantity, or sandbox", field="unit")
        kind = type_of(self.unit)
        if self.resource_type is not None and ResourceType.of(self.resource_type) is not kind:
            text = f"{self.unit} is {kind.value}, not {self.resource_type}"
            raise InvalidInput(text, field="resource_type")
        cost: dict[str, Any] = {}
        if self.unit_cost is not None:
            cost = {"unit_cost": self.unit_cost, "provider_cost_currency": self.unit_cost_currency}
        operation = {"operation_id": self.operation_id, "unit": self.unit, "quantity": self.quantity}
        return [{**shared, **operation, **cost}]


@strawberry.type(description="How the costs of a budget and all below it divide.")
class CostBreakdown:
    """How costs divide."""

    currency: str
    llm_cost: Decimal
    sandbox_cost: Decimal
    storage_cost: Decimal
    data_transfer_cost: Decimal
    total_cost: Decimal
    operations: BigInt
    as_of: DateTime

    @classmethod
    def of(cls, row: RollupResult, currency: str, user_id: str | None) -> Self:
        """From a rollup by type of resource and user; of one user, or of all."""
        rows = [each for each in row.rows if user_id is None or each.keys[1][1] == user_id]
        divided = resources.CostBreakdown.of(
            (ResourceType.of(str(each.keys[0][1])), each.measures.total_cost_nano) for each in rows
        )
        return cls(
            currency=currency,
            llm_cost=money(divided.llm_cost_nano),
            sandbox_cost=money(divided.sandbox_cost_nano),
            storage_cost=money(divided.storage_cost_nano),
            data_transfer_cost=money(divided.data_transfer_cost_nano),
            total_cost=money(divided.total_cost_nano),
            operations=BigInt(sum(each.measures.operations for each in rows)),
            as_of=DateTime(row.as_of_us),
        )
