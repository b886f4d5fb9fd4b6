"""Prices as they are shown: the source document's record, and how it changed."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pricing.book import Book
from pricing.bounds import ModelLimits, load_models
from pricing.calendar import DAY_US, HOUR_US, from_datetime, to_datetime
from pricing.cards import MILLION, RateCard, RateLine
from pricing.catalogue import load_catalogue
from pricing.errors import InstantOutOfRange
from pricing.rates import REQUEST
from pricing.view import PricingData, PricingModel, history, pricing_data

CATALOGUE = load_catalogue()
NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))


def test_the_source_s_record_of_gpt_4() -> None:
    card = CATALOGUE.find("openai", "gpt-4", NOW_US)
    assert card is not None
    assert pricing_data(card, load_models().find("gpt-4")) == PricingData(
        provider="openai",
        model_name="gpt-4",
        pricing_model=PricingModel.TOKEN_BASED,
        input_price_per_1k=Decimal("0.03"),
        output_price_per_1k=Decimal("0.06"),
        price_per_request=None,
        price_per_character=None,
        price_per_second=None,
        max_input_tokens=8192,
        max_output_tokens=8192,
        currency="USD",
        effective_date=None,
        source="catalogue",
        author=None,
    )


@pytest.mark.parametrize(
    ("unit", "model", "field"),
    [
        (REQUEST, PricingModel.PER_REQUEST, "price_per_request"),
        ("characters", PricingModel.PER_CHARACTER, "price_per_character"),
        ("milliseconds", PricingModel.PER_SECOND, "price_per_second"),
    ],
)
def test_other_pricing_models_have_their_own_price(unit: str, model: PricingModel, field: str) -> None:
    per = 1000 if unit == "milliseconds" else 1
    book = Book([RateCard("c", "us", "m", (RateLine(unit, Decimal("0.02"), per),), "override", author="ada")])
    card = book.find("us", "m", NOW_US)
    assert card is not None
    data = pricing_data(card, ModelLimits(None, 100))
    assert (data.pricing_model, getattr(data, field), data.author) == (model, Decimal("0.02"), "ada")
    assert (data.input_price_per_1k, data.output_price_per_1k) == (None, None)
    assert (data.max_input_tokens, data.max_output_tokens) == (100, None)


def test_a_history_has_each_change_with_its_instant() -> None:
    card = RateCard("a", "openai", "gpt-4o", (RateLine("uncached", Decimal(2), MILLION),), "contract")
    start_us = NOW_US - 30 * DAY_US
    changes = [
        replace(card, card_id="1st", valid_from_us=NOW_US - 20 * DAY_US, author="ada"),
        replace(
            card, card_id="2nd", valid_from_us=NOW_US - 10 * DAY_US,
            lines=(RateLine("uncached", Decimal(1), MILLION),), author="bob",
        ),
    ]  # fmt: skip
    points = list(history(Book(changes, CATALOGUE), "openai", "gpt-4o", from_us=start_us, to_us=NOW_US))
    assert [(p.from_us, p.data.input_price_per_1k, p.data.source, p.data.author) for p in points] == [
        (start_us, Decimal("0.0025"), "catalogue", None),
        (NOW_US - 20 * DAY_US, Decimal("0.002"), "contract", "ada"),
        (NOW_US - 10 * DAY_US, Decimal("0.001"), "contract", "bob"),
    ]


def test_the_catalogue_s_own_history_is_found() -> None:
    from_us, to_us = (from_datetime(datetime(year, 1, 1, tzinfo=UTC)) for year in (2024, 2026))
    points = list(history(CATALOGUE, "openai", "o3", from_us=from_us, to_us=to_us))
    assert [(to_datetime(p.from_us).date().isoformat(), p.data.input_price_per_1k) for p in points][-1] == (
        "2025-06-10",
        Decimal("0.002"),
    )
    assert list(history(CATALOGUE, "openai", "no-such-model", from_us=from_us, to_us=to_us)) == []


@pytest.mark.parametrize(("from_us", "to_us"), [(HOUR_US, 0), (0, 3661 * DAY_US), (-1, 0)])
def test_a_history_has_an_end(from_us: int, to_us: int) -> None:
    with pytest.raises(InstantOutOfRange):
        list(history(CATALOGUE, "openai", "gpt-4", from_us=from_us, to_us=to_us))
