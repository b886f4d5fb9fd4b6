"""Exchange rates: dated, exact, and never guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.calendar import DAY_US, date_day, from_datetime
from pricing.catalogue import load_catalogue
from pricing.currency import (
    AGE_DAYS_MAX,
    Conversion,
    ExchangeRate,
    ExchangeRates,
    charge_in,
    in_minor_units,
    minor_digits,
    read_ecb,
)
from pricing.errors import AmountOutOfRange, InvalidCurrency, InvalidPriceData, InvalidRate, NoExchangeRate
from pricing.money import NANO, NANO_MAX
from pricing.quote import Pricer, Pricing, PricingRequest, Reason
from pricing.units import TokenCounts

FRIDAY = date(2026, 11, 20)
FRIDAY_US = from_datetime(datetime(2026, 11, 20, 9, tzinfo=UTC))
TABLE = """Date, USD, JPY, GBP, ISK,
2026-11-20, 1.0823, 163.42, 0.8331, N/A,
2026-11-19, 1.0800, 163.00, 0.8300, 149.10,
"""
RATES = ExchangeRates(
    [
        *read_ecb(TABLE),
        ExchangeRate("USDC", "USD", Decimal(1), date_day(FRIDAY), "manual"),
        ExchangeRate("USD", "KWD", Decimal("0.3071"), date_day(FRIDAY), "manual"),
    ]
)
QUOTE = Pricer([load_catalogue()]).quote(
    PricingRequest(FRIDAY_US, "openai", "gpt-4o", TokenCounts(uncached=1000, completion=500, web_searches=1))
)


def test_a_rate_is_that_of_its_day() -> None:
    assert RATES.find("EUR", "USD", FRIDAY_US) == Conversion(
        "EUR", "USD", Decimal("1.0823"), "2026-11-20", "ecb"
    )
    assert RATES.find("EUR", "USD", FRIDAY_US - DAY_US).rate == Decimal("1.08")
    assert RATES.find("EUR", "ISK", FRIDAY_US).date == "2026-11-19"


def test_weekends_take_the_rate_of_friday_and_old_rates_are_no_rates() -> None:
    assert RATES.find("EUR", "USD", FRIDAY_US + 2 * DAY_US).date == "2026-11-20"
    assert RATES.find("EUR", "USD", FRIDAY_US + AGE_DAYS_MAX * DAY_US).date == "2026-11-20"
    with pytest.raises(NoExchangeRate, match="no rate from EUR to USD is known for 2026-11-28 or the 7 days"):
        RATES.find("EUR", "USD", FRIDAY_US + (AGE_DAYS_MAX + 1) * DAY_US)
    with pytest.raises(NoExchangeRate):
        RATES.find("EUR", "USD", FRIDAY_US - 2 * DAY_US)


def test_pairs_are_turned_round_and_joined() -> None:
    turned = RATES.find("USD", "EUR", FRIDAY_US)
    assert abs(turned.rate * Decimal("1.0823") - 1) < Decimal("1e-16")
    joined = RATES.find("GBP", "JPY", FRIDAY_US)
    assert abs(joined.rate - Decimal("163.42") / Decimal("0.8331")) < Decimal("1e-12")
    assert joined.source == "ecb"
    assert RATES.find("USDC", "EUR", FRIDAY_US).rate == turned.rate
    assert RATES.find("USDC", "KWD", FRIDAY_US).rate == Decimal("0.3071")
    with pytest.raises(NoExchangeRate):
        RATES.find("GBP", "KWD", FRIDAY_US)  # by way of EUR and USD: two currencies in between


def test_of_two_rates_of_one_day_the_later_given_holds() -> None:
    day = date_day(FRIDAY)
    rates = ExchangeRates([ExchangeRate("EUR", "USD", Decimal(rate), day, rate) for rate in ("1.1", "1.2")])
    assert rates.find("EUR", "USD", FRIDAY_US).rate == Decimal("1.2")


def test_a_quote_keeps_the_rate_that_it_was_converted_by() -> None:
    euro = charge_in(QUOTE, "EUR", RATES, FRIDAY_US)
    assert (euro.pricing, euro.currency) == (Pricing.PRICED, "EUR")
    assert (euro.fx_from, euro.fx_date, euro.fx_source) == ("USD", "2026-11-20", "ecb")
    assert euro.fx_rate is not None
    rate = Decimal(euro.fx_rate)
    assert euro.total_nano == euro.prompt_nano + euro.completion_nano + euro.other_nano
    assert abs(euro.total_nano - QUOTE.total_nano * rate) <= Decimal("1.5")
    assert euro.price_card == QUOTE.price_card


def test_without_a_rate_it_is_unpriced_and_in_its_own_currency_untouched() -> None:
    franc = charge_in(QUOTE, "CHF", RATES, FRIDAY_US)
    assert (franc.pricing, franc.reason, franc.total_nano) == (Pricing.UNPRICED, Reason.NO_RATE, 0)
    assert charge_in(QUOTE, "USD", RATES, FRIDAY_US) is QUOTE
    nothing = QUOTE._replace(prompt_nano=0, completion_nano=0, other_nano=0, total_nano=0)
    assert charge_in(nothing, "CHF", RATES, FRIDAY_US).pricing is Pricing.PRICED


def test_yen_have_no_cents_and_dinars_have_fils() -> None:
    assert [minor_digits(code) for code in ("USD", "JPY", "KWD", "USDC", "CLF")] == [2, 0, 3, 6, 4]
    assert in_minor_units(1_234_567_891, "USD") == 123
    assert in_minor_units(1_500_000_000, "JPY") == 2
    assert in_minor_units(2_500_000_000, "JPY") == 2
    assert in_minor_units(1_234_567_891, "KWD") == 1235


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "begins with a column Date"),
        ("<html>", "begins with a column Date"),
        ("Date,USD\n20.11.2026,1", "line 2: '20.11.2026' is not a date"),
        ("Date,USD\n2026-11-20,abc", "line 2, USD: rate is not a decimal number"),
        ("Date,USD\n2026-11-20,-1", "line 2, USD: the rate of EUR in USD"),
        ("Date,USD\n2026-11-20,0", "must be above 0"),
        ("Date,usd\n2026-11-20,1", "line 2, usd: quote must be"),
    ],
)
def test_what_is_no_table_of_rates_is_an_error_that_names_the_line(content: str, message: str) -> None:
    with pytest.raises(InvalidPriceData, match=message):
        list(read_ecb(content))


def test_rates_that_cannot_be_are_errors() -> None:
    with pytest.raises(InvalidRate, match="one USD is one USD, not 2"):
        ExchangeRate("USD", "USD", Decimal(2), 0)
    with pytest.raises(InvalidRate):
        ExchangeRate("USD", "EUR", Decimal("NaN"), 0)
    with pytest.raises(InvalidCurrency):
        ExchangeRate("dollar", "EUR", Decimal(1), 0)


def test_what_64_bits_cannot_hold_is_an_error_and_not_a_smaller_amount() -> None:
    with pytest.raises(AmountOutOfRange):
        RATES.find("EUR", "JPY", FRIDAY_US).convert(NANO_MAX // 100)


rates = st.decimals("0.0001", 10_000, places=6).filter(bool)


@given(st.integers(-(10**9) * NANO // 10_000, 10**9 * NANO // 10_000), rates)
def test_a_round_trip_returns_within_max_1_or_the_rate(amount_nano: int, rate: Decimal) -> None:
    known = ExchangeRates([ExchangeRate("AAA", "BBB", rate, date_day(FRIDAY))])
    there = known.find("AAA", "BBB", FRIDAY_US)
    back = known.find("BBB", "AAA", FRIDAY_US)
    drift = abs(back.convert(there.convert(amount_nano)) - amount_nano)
    assert drift <= max(1, back.rate)
