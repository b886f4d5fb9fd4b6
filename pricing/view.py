"""Prices as people ask for them: per 1,000 or per million, now and over time."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from pricing.bounds import ModelLimits
from pricing.calendar import HOUR_US, check_instant
from pricing.errors import InstantOutOfRange
from pricing.money import NANO
from pricing.ports import RateSource
from pricing.rates import REQUEST, Card
from pricing.units import COUNT_NAMES

THOUSAND: Final = 1000
HOURS_MAX: Final = 24 * 3660
"""The longest history that is looked through: ten years."""


class PricingModel(StrEnum):
    """By what a model is billed; the first that it has a price for."""

    TOKEN_BASED = "token_based"  # noqa: S105 - a word of the source document
    PER_REQUEST = "per_request"
    PER_CHARACTER = "per_character"
    PER_SECOND = "per_second"


class PricingData(NamedTuple):
    """The source document's record of a price. Prices are exact; None is unknown, never free."""

    provider: str
    model_name: str
    pricing_model: PricingModel
    input_price_per_1k: Decimal | None
    output_price_per_1k: Decimal | None
    price_per_request: Decimal | None
    price_per_character: Decimal | None
    price_per_second: Decimal | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    currency: str
    effective_date: str | None
    """ISO date; None where the source gives none."""
    source: str
    author: str | None


class PricePoint(NamedTuple):
    """A price that began to hold."""

    from_us: int
    data: PricingData


def pricing_data(card: Card, limits: ModelLimits | None = None) -> PricingData:
    """A card's prices for short prompts in the standard mode."""
    provider, _, model = card.name.partition("/")
    rates = card.tiers[0].rates()
    for position, steps in card.stepped:
        rates[COUNT_NAMES[position]] = steps.rates[0]
    return PricingData(
        provider,
        model,
        _model_of(rates),
        _price(rates.get("uncached"), THOUSAND),
        _price(rates.get("completion"), THOUSAND),
        _price(rates.get(REQUEST), 1),
        _price(rates.get("characters"), 1),
        _price(rates.get("milliseconds"), THOUSAND),
        None if limits is None else limits.context_tokens,
        None if limits is None else limits.max_output_tokens,
        card.currency,
        card.valid_from,
        card.source,
        card.author,
    )


def history(
    source: RateSource,
    provider: str | None,
    model_id: str,
    *,
    from_us: int,
    to_us: int,
    limits: ModelLimits | None = None,
) -> Iterator[PricePoint]:
    """The price at ``from_us`` and every change until ``to_us``, to the hour, in order of time.

    Raises ``InstantOutOfRange``.
    """
    if not 0 <= to_us - from_us <= HOURS_MAX * HOUR_US:
        raise InstantOutOfRange(
            f"a history from {from_us} to {to_us} µs must be 0 to {HOURS_MAX} hours", "days"
        )
    check_instant(from_us, "from")
    last: Card | None = None
    at_us = from_us
    while at_us <= to_us:
        card = source.find(provider, model_id, at_us)
        if card is not None and card is not last:
            yield PricePoint(at_us, pricing_data(card, limits))
        last = card
        at_us = (at_us // HOUR_US + 1) * HOUR_US


def _model_of(rates: dict[str, Fraction]) -> PricingModel:
    if "uncached" in rates or "completion" in rates:
        return PricingModel.TOKEN_BASED
    if "characters" in rates:
        return PricingModel.PER_CHARACTER
    if "milliseconds" in rates:
        return PricingModel.PER_SECOND
    return PricingModel.PER_REQUEST


def price_for(rate: Fraction, per: int) -> Decimal:
    """Money for so many, of nano-units for one; to 28 digits where it has no end."""
    exact = rate * per / NANO
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).normalize()


def _price(rate: Fraction | None, per: int) -> Decimal | None:
    return None if rate is None else price_for(rate, per)
