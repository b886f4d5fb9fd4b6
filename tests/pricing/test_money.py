"""Money: one rounding rule, exact text, hard bounds."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import money
from pricing.errors import AmountOutOfRange, InvalidAmount, InvalidCurrency, PricingError

NANOS = st.integers(money.NANO_MIN, money.NANO_MAX)


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0"),
        (47_608_895_000, "47.608895"),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (100 * money.NANO, "100"),
        (-1_500_000_000, "-1.5"),
        (money.NANO_MAX, "9223372036.854775807"),
        (money.NANO_MIN, "-9223372036.854775808"),
    ],
)
def test_amounts_are_written_plainly_and_read_back(nano: int, text: str) -> None:
    assert money.format_nano(nano) == text
    assert money.parse_nano(text) == nano
    assert money.from_nano(nano) == Decimal(text)


@given(NANOS)
def test_text_and_decimal_hold_every_amount_exactly(nano: int) -> None:
    assert money.parse_nano(money.format_nano(nano)) == nano
    assert money.to_nano(money.from_nano(nano)) == nano
    assert "E" not in money.format_nano(nano)


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        ("0.0000000025", 2),
        ("-0.0000000025", -2),
        ("-0.0000000035", -4),
        ("0.00000000250000000000000000000000000000000000000000000000001", 3),
        ("1e-400", 0),
        ("1e2", 100 * money.NANO),
    ],
)
def test_rounding_is_half_to_even_in_both_directions(text: str, nano: int) -> None:
    assert money.to_nano(Decimal(text)) == nano


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False))
def test_rounding_agrees_with_the_decimal_module(amount: Decimal) -> None:
    context = Context(prec=400, rounding=ROUND_HALF_EVEN)
    expected = amount.quantize(Decimal("1e-9"), context=context)
    assert Decimal(money.to_nano(amount)).scaleb(-9, context=context) == expected


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_a_ratio_is_rounded_as_a_fraction_is(numerator: int, denominator: int) -> None:
    assert money.round_ratio(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(
    "text", ["", "NaN", "sNaN", "Infinity", "-inf", "1,5", "1_000", "$5", "0x10", "1" * 65]
)
def test_garbage_is_not_an_amount(text: str) -> None:
    with pytest.raises(InvalidAmount) as caught:
        money.parse_nano(text, "amount")
    assert (caught.value.code, caught.value.field) == ("INVALID", "amount")


@pytest.mark.parametrize("text", ["0.0000000001", "1.0000000005", "1e-30", "-0.1234567891"])
def test_more_than_nine_places_are_refused_where_exactness_is_required(text: str) -> None:
    with pytest.raises(InvalidAmount, match="more than 9 decimal places"):
        money.parse_nano(text)


def test_trailing_zeros_are_not_decimal_places() -> None:
    assert money.parse_nano("1.500000000000") == 1_500_000_000


@pytest.mark.parametrize(
    "text",
    ["9223372036.854775808", "-9223372036.854775809", "1e11", "99999999999", "1e999999999", "-1e999999"],
)
def test_amounts_past_64_bits_are_out_of_range(text: str) -> None:
    with pytest.raises(AmountOutOfRange) as caught:
        money.parse_nano(text)
    assert caught.value.code == "AMOUNT_OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1e99999999999", AmountOutOfRange),
        ("-9e65", AmountOutOfRange),
        ("1e-99999999999", InvalidAmount),
        ("1e-65", InvalidAmount),
    ],
)
def test_what_would_take_ages_to_write_out_is_no_number(text: str, error: type[PricingError]) -> None:
    with pytest.raises(error):
        money.parse_decimal(text)
    assert money.parse_decimal("1e64") == Decimal(10) ** 64
    assert money.parse_decimal("0e999999") == 0


def test_sums_past_64_bits_are_out_of_range() -> None:
    assert money.checked_add(money.NANO_MAX - 1, 1) == money.NANO_MAX
    assert money.checked_sum([money.NANO_MAX, 5, -5]) == money.NANO_MAX
    with pytest.raises(AmountOutOfRange):
        money.checked_add(money.NANO_MAX, 1)
    with pytest.raises(AmountOutOfRange):
        money.checked_add(money.NANO_MIN, -1)
    with pytest.raises(AmountOutOfRange):
        money.checked_sum([money.NANO_MAX, money.NANO_MAX])


def test_not_a_number_never_becomes_money() -> None:
    for text in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(InvalidAmount):
            money.to_nano(Decimal(text))


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "USDC", "KWD", "XBT1", "ABCDEFGHIJ"])
def test_validate_currencys_are_not_only_iso_4217(code: str) -> None:
    assert money.validate_currency(code) == code


@pytest.mark.parametrize("code", ["", "US", "usd", "USD ", "USD\n", "ÜSD", "ABCDEFGHIJK", "US-D", "٣٣٣"])
def test_other_texts_are_not_validate_currencys(code: str) -> None:
    with pytest.raises(InvalidCurrency) as caught:
        money.validate_currency(code)
    assert isinstance(caught.value, PricingError)
    assert caught.value.field == "currency"
