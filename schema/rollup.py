"""Rollups: sums over operations, by dimensions and time."""

from typing import Self

import strawberry

from insight import rollups
from schema.enums import Dimension
from schema.scalars import BigInt, DateTime, Decimal
from schema.words import money


@strawberry.type(description="Sums over operations. Costs are in the currency of the budget tree.")
class Measures:
    """Sums over operations."""

    operations: BigInt
    prompt_tokens: BigInt
    completion_tokens: BigInt
    total_tokens: BigInt
    prompt_cost: Decimal
    completion_cost: Decimal
    other_cost: Decimal
    total_cost: Decimal
    units: Decimal = strawberry.field(description="The quantity of resources other than tokens.")

    @classmethod
    def of(cls, row: rollups.Measures) -> Self:
        """From the insight room's."""
        return cls(
            operations=BigInt(row.operations),
            prompt_tokens=BigInt(row.prompt_tokens),
            completion_tokens=BigInt(row.completion_tokens),
            total_tokens=BigInt(row.total_tokens),
            prompt_cost=money(row.prompt_cost_nano),
            completion_cost=money(row.completion_cost_nano),
            other_cost=money(row.other_cost_nano),
            total_cost=money(row.total_cost_nano),
            units=money(row.units_nano),
        )


@strawberry.type
class DimensionValue:
    """The value of one dimension in a row."""

    dimension: Dimension
    value: str | None = strawberry.field(
        description="Null where the operations have none, or where the key may not see it."
    )


@strawberry.type
class RollupRow:
    """One row of a rollup."""

    keys: list[DimensionValue]
    start: DateTime | None
    end: DateTime | None
    measures: Measures

    @classmethod
    def of(cls, row: rollups.RollupRow) -> Self:
        """From the insight room's."""
        return cls(
            keys=[DimensionValue(dimension=dimension, value=value) for dimension, value in row.keys],
            start=None if row.start_us is None else DateTime(row.start_us),
            end=None if row.end_us is None else DateTime(row.end_us),
            measures=Measures.of(row.measures),
        )


@strawberry.type(description="What was charged to a budget. Exact at `asOf`.")
class Rollup:
    """What was charged to a budget."""

    total: Measures = strawberry.field(description="All that reached the budget, each operation once.")
    own: Measures = strawberry.field(description="What was charged to it directly.")
    rows: list[RollupRow] = strawberry.field(
        description="By time ascending, then by total cost descending. Empty where nothing is split."
    )
    as_of: DateTime

    @classmethod
    def of(cls, row: rollups.RollupResult) -> Self:
        """From the insight room's."""
        return cls(
            total=Measures.of(row.total),
            own=Measures.of(row.own),
            rows=[RollupRow.of(each) for each in row.rows],
            as_of=DateTime(row.as_of_us),
        )
