"""The installed catalogue as a price source: one provider's prices as cards, which outlive the package.

The catalogue prices by itself. As a source its prices are cards of the organisation's: they are compared when
the package is another one, and a jump is held, as it is for every other source. A model whose price depends
on the time of day, or cannot be written exactly, is left to the catalogue.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from pricing.cards import MILLION, RateCard, RateLine
from pricing.catalogue import SOURCE, Catalogue
from pricing.errors import InvalidPriceData
from pricing.money import NANO
from pricing.price_list import card_id_of
from pricing.rates import REQUEST, Card
from pricing.sources import PriceSource, Reading, reading_of
from pricing.steps import Basis, Semantics
from pricing.view import price_for


def read_catalogue(source: PriceSource, catalogue: Catalogue) -> Reading:
    """All prices of a provider, with their dates. Raises ``InvalidPriceData`` where it has none."""
    cards: list[RateCard] = []
    left_out = 0
    for model, dates_us in catalogue.dated_models(source.provider or ""):
        found = None if dates_us is None else _model(catalogue, source.provider or "", model, dates_us)
        if found is None:
            left_out += 1
        else:
            cards += found
    if not cards:
        raise InvalidPriceData(f"the catalogue has no prices of {source.provider!r}"[:200])
    return reading_of(source, catalogue.version, catalogue.content_hash, cards, left_out)


def _model(catalogue: Catalogue, provider: str, model: str, dates_us: list[int]) -> list[RateCard] | None:
    cards: list[RateCard] = []
    for from_us in dates_us:
        listed = catalogue.find(provider, model, from_us)
        if listed is None:
            return None
        vendor, _, called = listed.key.partition("/")
        for each in (listed, *listed.modes.values()):
            lines = list(_lines(each))
            if None in lines:
                return None
            priced = tuple(line for line in lines if line is not None)
            if not priced:
                continue
            card_id = card_id_of(vendor, called, each.mode, from_us)
            cards.append(
                RateCard(
                    card_id, vendor, called, priced, SOURCE, each.currency, each.mode, valid_from_us=from_us
                )
            )
    return cards or None


def _lines(card: Card) -> Iterator[RateLine | None]:
    """A line for each unit that has a rate; None for one that cannot be written."""
    tiers = [tier.rates() for tier in card.tiers]
    for unit in tiers[0]:
        rates = [tier.get(unit) for tier in tiers]
        prices = [None if rate is None else _price(rate) for rate in rates]
        first, *later = prices
        if first is None or None in later or (unit == REQUEST and len(set(prices)) > 1):
            yield None
            continue
        steps = tuple(
            (start, price) for start, price in zip(card.starts, later, strict=True) if price is not None
        )
        if len(set(prices)) == 1:
            yield RateLine(unit, first, MILLION)
        else:
            yield RateLine(unit, first, MILLION, steps, Semantics.CLIFF, Basis.PROMPT)


def _price(rate: Fraction) -> Decimal | None:
    """Money for a million; None where it cannot be written."""
    price = price_for(rate, MILLION)
    return price if Fraction(price) * NANO == rate * MILLION else None
