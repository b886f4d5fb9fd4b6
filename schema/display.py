"""Amounts in another currency, for people to look at. Nothing is charged so."""

from collections.abc import Sequence
from typing import Self

import strawberry

from pricing.currency import Conversion, in_minor_units, minor_digits
from pricing.money import NANO
from schema.scalars import Decimal
from schema.words import money


@strawberry.type(description="An amount in a display currency.")
class DisplayedAmount:
    """An amount."""

    exact: Decimal = strawberry.field(description="To the nano-unit.")
    paid: Decimal = strawberry.field(
        description="To the smallest unit that is paid with: yen are whole, dinars have 1,000 fils."
    )


@strawberry.type(description="Amounts in a display currency, by the rate of a day.")
class DisplayedAmounts:
    """Amounts, and the rate that they were converted by."""

    currency: str
    minor_digits: int = strawberry.field(description="How many decimals the currency is paid with.")
    rate: Decimal
    rate_date: str
    rate_source: str
    amounts: list[DisplayedAmount] = strawberry.field(description="In the order asked for.")

    @classmethod
    def of(cls, found: Conversion, amounts_nano: Sequence[int]) -> Self:
        """Converted. Raises ``PricingError`` for what would not fit into 64 bits."""
        currency = found.to_currency
        return cls(
            currency=currency,
            minor_digits=minor_digits(currency),
            rate=Decimal(f"{found.rate:f}"),
            rate_date=found.date,
            rate_source=found.source,
            amounts=[_displayed(found.convert(amount), currency) for amount in amounts_nano],
        )


def _displayed(amount_nano: int, currency: str) -> DisplayedAmount:
    unit_nano = NANO // 10 ** minor_digits(currency)
    paid_nano = in_minor_units(amount_nano, currency) * unit_nano
    return DisplayedAmount(exact=money(amount_nano), paid=money(paid_nano))
