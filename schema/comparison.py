"""Recorded usage as it would have cost on other models."""

from collections.abc import Mapping

import strawberry

from pricing.estimate import Compared
from pricing.money import round_ratio
from schema.page import PageInfo
from schema.rate_card import percent
from schema.raw import FromRawUsage
from schema.scalars import BigInt, DateTime, Decimal, InstantText
from schema.words import money

MILLION = 10**6


@strawberry.input(description="A provider's model.")
class ModelInput:
    """A provider's model."""

    provider: str
    model_id: str


@strawberry.input(
    description="Recorded operations of [from, to) on other models, newest first, a page at a time: add the "
    "pages up, and pass endCursor as after until there is no next one."
)
class CompareModelsInput:
    """Recorded operations on other models."""

    models: list[ModelInput]
    from_: InstantText = strawberry.field(name="from", description="Inclusive.")
    to: InstantText = strawberry.field(description="Exclusive.")
    budget_id: strawberry.ID | None = strawberry.field(description="Charged to this budget or below it.")
    model_id: str | None = strawberry.field(description="What this model did.")
    first: int = strawberry.field(default=200, description="How many operations to look at; at most 500.")
    after: str | None


@strawberry.type(description="What a page of operations would have cost on a model, beside what it did cost.")
class ComparedModel:
    """What a page would have cost on a model."""

    provider: str
    model_id: str
    operations: int = strawberry.field(description="That the model has a price for; all sums are of these.")
    unpriced: int = strawberry.field(description="That it has none for: they are in no sum.")
    total_cost: Decimal
    charged: Decimal = strawberry.field(description="What the same operations did cost.")
    savings: Decimal = strawberry.field(description="Below zero where it would have cost more.")
    savings_percent: Decimal | None
    tokens: BigInt
    cost_per_million_tokens: Decimal | None


@strawberry.type(description="A page of operations on other models, in USD.")
class ComparedPage(FromRawUsage):
    """A page of operations on other models."""

    looked: int
    left_out: int = strawberry.field(
        description="Operations that have no cost yet, or were charged in a currency without a rate in USD."
    )
    models: list[ComparedModel]
    through: DateTime | None = strawberry.field(description="When the oldest of them happened.")
    page_info: PageInfo


def compared_models(found: Mapping[tuple[str, str], Compared]) -> list[ComparedModel]:
    """The models in the order asked."""
    return [
        ComparedModel(
            provider=provider,
            model_id=model,
            operations=each.operations,
            unpriced=each.unpriced,
            total_cost=money(each.total_nano),
            charged=money(each.total_nano + each.savings_nano),
            savings=money(each.savings_nano),
            savings_percent=None if each.savings_ppm is None else _percent(each.savings_ppm),
            tokens=BigInt(each.tokens),
            cost_per_million_tokens=_per_million(each),
        )
        for (provider, model), each in found.items()
    ]


def _per_million(each: Compared) -> Decimal | None:
    return money(round_ratio(each.total_nano * MILLION, each.tokens)) if each.tokens else None


def _percent(ppm: int) -> Decimal:
    return percent(ppm) if ppm >= 0 else Decimal(f"-{percent(-ppm)}")
