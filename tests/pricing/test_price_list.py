"""The price list whose shape we state: what is read of it, and that nothing of a wrong one is."""

import json
from pathlib import Path
from typing import Any

import pytest

from pricing.book import Book
from pricing.cards import MILLION
from pricing.errors import InvalidPriceData
from pricing.modes import Mode
from pricing.price_list import FORMAT, read_price_list
from pricing.quote import Pricer, PricingRequest
from pricing.units import TokenCounts
from tests.support.desk import us
from tests.support.price_documents import MODEL, model, price_list

NOW_US = us("2026-11-25T00:00")
STEPS = {"steps": [{"above": 200_000, "price": 4}], "semantics": "CLIFF", "basis": "PROMPT"}


def cost(content: bytes, at_us: int = NOW_US, mode: Mode = Mode.STANDARD, **counts: int) -> int:
    pricer = Pricer([Book(read_price_list(content)[1])])
    return pricer.quote(PricingRequest(at_us, "acme", MODEL, TokenCounts(**counts), mode=mode)).total_nano


def test_prices_are_read_digit_by_digit_as_texts_or_as_numbers() -> None:
    for price in ("2.123456789", 2.123456789):
        assert cost(price_list(model(price)), uncached=MILLION) == 2_123_456_789
    assert cost(price_list(model(3)), uncached=10) == 30_000


def test_dates_modes_and_steps_are_read() -> None:
    lines = [{"unit": "uncached", "price": "2", "per": MILLION, **STEPS}]
    content = price_list(
        model("1", valid_from="2025-01-01"),
        model("3", valid_from="2026-06-01T12:00:00+02:00"),
        model("0.5", mode="batch"),
        model(name="tiered", lines=lines),
        currency="EUR",
    )
    assert cost(content, us("2026-06-01T09:59"), uncached=MILLION) == 1_000_000_000
    assert cost(content, us("2026-06-01T10:00"), uncached=MILLION) == 3_000_000_000
    assert cost(content, mode=Mode.BATCH, uncached=MILLION) == 500_000_000
    version, cards = read_price_list(content)
    assert version == "v1"
    assert {card.currency for card in cards} == {"EUR"}
    quote = Pricer([Book(cards)]).quote(
        PricingRequest(NOW_US, "acme", "tiered", TokenCounts(uncached=MILLION))
    )
    assert (quote.total_nano, quote.currency) == (4_000_000_000, "EUR")


def with_line(**fields: Any) -> bytes:
    return price_list(model(lines=[{"unit": "uncached", "price": "1", **fields}]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (price_list()[:-20], "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not an object"),
        (b"{}", f"is None, not '{FORMAT}'"),
        (price_list(format="other/1"), "is 'other/1'"),
        (price_list(note="hello"), "has 'note', which is not a key of it"),
        (price_list(provider=""), "provider is not a text"),
        (price_list(provider=7), "provider is not a text"),
        (price_list(currency="dollars"), "currency"),
        (price_list(models={}), "models is not a list"),
        (price_list(models=[]), "has no models"),
        (price_list(models=["gpt"]), r"models\[0\] is not an object"),
        (price_list(model(), model()), r"models\[1\]: acme-large has two prices from one day on"),
        (price_list(model(valid_from="soon")), r"models\[0\]\.valid_from 'soon' is no date"),
        (price_list(model(valid_from="2026-01-01T00:00:00")), "models"),
        (price_list(model(valid_from="1066-10-14")), "models"),
        (price_list(model(mode="turbo")), "turbo"),
        (price_list(model(lines=[])), "at least one line"),
        (price_list(model(price=None)), r"lines\[0\]\.price is not a number"),
        (price_list(model(price=True)), r"lines\[0\]\.price is not a number"),
        (price_list(model(price=[1])), r"lines\[0\]\.price is not a number"),
        (price_list(model(price="cheap")), "not a decimal number"),
        (price_list(model(price="NaN")), "not a decimal number"),
        (price_list().replace(b'"2"', b"NaN"), "price is not a number"),
        (price_list(model(price="-1")), "must not be negative"),
        (with_line(unit="thoughts"), "'thoughts' is no unit"),
        (with_line(per=0), "per is not a whole number"),
        (with_line(per=1.5), "per is not a whole number"),
        (with_line(pre=1), "has 'pre'"),
        (with_line(semantics="STEEP"), "STEEP"),
        (with_line(steps=[{"above": 5, "price": "1"}, {"above": 5, "price": "1"}]), "steps must ascend"),
        (price_list(model(max_output_tokens=-5)), "max_output_tokens is not a whole number"),
    ],
)
def test_a_wrong_list_is_an_error_that_says_where(content: bytes, why: str) -> None:
    with pytest.raises(InvalidPriceData, match=why):
        read_price_list(content)


def test_the_example_of_the_docs_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "pricing.md").read_text(encoding="utf-8")
    (example,) = [each for each in text.split("```json\n")[1:] if FORMAT in each]
    version, cards = read_price_list(json.dumps(json.loads(example.split("```")[0])).encode())
    assert version
    assert cards
