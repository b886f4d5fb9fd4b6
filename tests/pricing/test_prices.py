"""What an organisation says about prices: versions, and what was known when."""

import zlib
from dataclasses import replace
from decimal import Decimal

import pytest

from pricing.calendar import DAY_US
from pricing.cards import RateCard, RateLine
from pricing.currency import ExchangeRate
from pricing.errors import NoExchangeRate
from pricing.prices import GivenRates, PriceFile, Prices, Revision
from pricing.quote import Pricing, PricingRequest
from pricing.units import TokenCounts

AT_US = 20_000 * DAY_US
REQUEST = PricingRequest(AT_US, "vendor", "model", TokenCounts(uncached=1_000))


def revision(number: int, price: str, recorded_at_us: int, **fields: object) -> Revision:
    line = RateLine("uncached", Decimal(price), per=1_000)
    card = RateCard("card", None, "model", (line,), "override", recorded_at_us=recorded_at_us)
    return Revision(card, number)._replace(**fields)


def total(prices: Prices, path: tuple[str, ...] = ()) -> int | None:
    quote = prices.pricer(path).quote(REQUEST)
    return quote.total_nano if quote.pricing is Pricing.PRICED else None


def test_the_newest_version_holds_from_the_moment_in_which_it_is_said() -> None:
    prices = Prices()
    assert prices.plain
    assert total(prices) is None
    for number, price in ((1, "1"), (2, "3"), (3, "2")):
        prices.put(revision(number, price, number))
        assert total(prices) == int(price) * 10**9
    prices.put(revision(2, "9", 2))
    assert total(prices) == 2 * 10**9, "a version that is read once more changes nothing"
    prices.put(revision(4, "2", 4, withdrawn=True))
    assert total(prices) is None
    assert [each.number for each in prices.revisions("card")] == [1, 2, 3, 4]
    assert list(prices.current()) == []
    assert [each.number for each in prices.newest()] == [4]


def test_a_contract_is_its_budget_s_alone() -> None:
    prices = Prices()
    prices.put(revision(1, "1", 1, budget_uid="t/acme"))
    assert (total(prices, ("t/acme",)), total(prices, ("t/other",)), total(prices)) == (10**9, None, None)


def test_a_copy_changes_apart() -> None:
    prices = Prices()
    prices.put(revision(1, "1", 1))
    twin = prices.copy()
    twin.put(revision(2, "2", 2))
    assert (total(prices), total(twin)) == (10**9, 2 * 10**9)


def test_what_was_known_on_a_day_can_be_computed_again() -> None:
    prices = Prices()
    for number, price in ((1, "1"), (2, "3"), (3, "2")):
        prices.put(revision(number, price, 10 * number))
    assert [total(prices.known_at(at_us)) for at_us in (9, 10, 19, 20, 30, 99)] == [
        None,
        10**9,
        10**9,
        3 * 10**9,
        2 * 10**9,
        2 * 10**9,
    ]
    assert prices.known_at(30) is prices
    assert prices.known_at(11) is prices.known_at(19)
    prices.put(revision(4, "7", 15))
    assert total(prices.known_at(19)) == 7 * 10**9, "what comes to light later was said then all the same"


def test_rates_and_files_are_known_from_when_they_were_given() -> None:
    prices = Prices()
    rate = ExchangeRate("EUR", "USD", Decimal("1.25"), 20_000)
    prices.put_rates(GivenRates((rate,), "key", 10))
    prices.put_rates(GivenRates((rate,), "key", 10))
    assert len(prices.given_rates) == 1
    assert prices.rates.find("EUR", "USD", AT_US).rate == Decimal("1.25")
    with pytest.raises(NoExchangeRate):
        prices.known_at(9).rates.find("EUR", "USD", AT_US)
    assert prices.news((rate, replace(rate, rate=Decimal(2)), replace(rate, quote="JPY"))) == (
        replace(rate, rate=Decimal(2)),
        replace(rate, quote="JPY"),
    )
    assert prices.plain, "rates change no price"
    content = b'{"model": {"litellm_provider": "vendor", "input_cost_per_token": 0.000001}}'
    prices.put_file(PriceFile("litellm", zlib.compress(content), 1, "v", "hash", "key", 20))
    assert not prices.plain
    assert (total(prices), total(prices.known_at(19))) == (10**6, None)
