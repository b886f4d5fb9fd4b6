"""Why something costs what it costs: quantities at rates, roundings, a fee, an exchange rate."""

from fractions import Fraction
from typing import Self

import strawberry

from ledger.explain import Derivation
from pricing import explain
from schema.rate_card import percent
from schema.scalars import BigInt, Decimal
from schema.words import money


@strawberry.type(description="A quantity at a rate.")
class PriceTerm:
    """A quantity at a rate."""

    component: str = strawberry.field(description="prompt, completion or other.")
    unit: str
    quantity: Decimal
    price: Decimal = strawberry.field(description="For `per` of the unit.")
    per: BigInt
    list_price: Decimal | None = strawberry.field(description="Without the contract, where the list has one.")
    cost: Decimal = strawberry.field(description="Their product, before it is rounded with its component.")
    step: int | None = strawberry.field(description="Which step of the unit's prices, from 1.")
    source: str = strawberry.field(description="contract, override, feed, catalogue, resources or litellm.")
    card: str
    valid_from: str | None

    @classmethod
    def of(cls, row: explain.Term) -> Self:
        """From the derivation's."""
        listed = row.list_price
        return cls(
            component=row.component.value,
            unit=row.unit,
            quantity=_exact(row.quantity),
            price=Decimal(f"{row.price:f}"),
            per=BigInt(row.per),
            list_price=None if listed is None else Decimal(f"{listed:f}"),
            cost=_exact(row.exact_nano / 10**9),
            step=None if row.step is None else row.step + 1,
            source=row.origin.source,
            card=row.origin.card,
            valid_from=row.origin.valid_from,
        )


@strawberry.type(
    description="Why something costs what it costs: quantities at rates, roundings, fee, exchange rate."
)
class Explanation:
    """Why something costs what it costs."""

    lines: list[str] = strawberry.field(description="The derivation as people read it.")
    terms: list[PriceTerm]
    currency: str = strawberry.field(description="Of the terms; the cost may be in another one.")
    fee_percent: Decimal
    fee: Decimal
    exact: bool = strawberry.field(
        description="Whether the derivation adds up to the cost. It may not where the operation grew, or "
        "where its price list is another version by now."
    )

    @classmethod
    def of(cls, row: Derivation) -> Self:
        """From the ledger's."""
        told = row.told
        return cls(
            lines=list(row.lines),
            terms=[] if told is None else [PriceTerm.of(each) for each in told.terms],
            currency=row.currency if told is None else told.currency,
            fee_percent=percent(0 if told is None else told.fee_ppm),
            fee=money(0 if told is None else told.fee_nano),
            exact=row.exact,
        )


def _exact(value: Fraction) -> Decimal:
    """A fraction in at most 20 digits, without an exponent."""
    return Decimal(f"{explain.shown(value):f}")
