"""The scalars: shapes in, exact text out."""

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from pricing.calendar import INSTANT_MAX_US
from pricing.money import NANO_MAX, NANO_MIN, parse_nano
from schema.scalars import Decimal, InstantText, decimal_in, instant_in, instant_out, integer_in
from schema.words import instant_us, money


@given(st.integers(NANO_MIN, NANO_MAX))
def test_money_is_exact_both_ways(amount_nano: int) -> None:
    text = money(amount_nano)
    assert "E" not in text.upper()
    assert parse_nano(decimal_in(text)) == amount_nano


@pytest.mark.parametrize(
    ("value", "text"), [("12.50", "12.50"), ("0", "0"), (100, "100"), (10**30, "1" + "0" * 30)]
)
def test_a_decimal_is_a_string_or_an_integer(value: object, text: str) -> None:
    assert decimal_in(value) == text


@pytest.mark.parametrize("value", [0.1, 12.0, True, None, ["1"], {"a": 1}])
def test_a_decimal_is_never_a_float(value: object) -> None:
    with pytest.raises(GraphQLError, match="stays exact"):
        decimal_in(value)


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**63, 10**30])
def test_a_big_integer_is_an_integer_of_any_size(value: int) -> None:
    assert integer_in(value) == value


@pytest.mark.parametrize("value", [1.0, 1.5, "1", True, None, [1]])
def test_a_big_integer_is_nothing_else(value: object) -> None:
    with pytest.raises(GraphQLError, match="JSON integer"):
        integer_in(value)


@given(st.integers(0, INSTANT_MAX_US - 1))
def test_an_instant_is_the_same_on_its_way_back(at_us: int) -> None:
    text = instant_out(at_us)
    assert text.endswith("Z")
    assert instant_us(InstantText(instant_in(text)), "at") == at_us


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z"),
        ("2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00Z"),
        ("2026-11-22T09:00:00.123456+00:00", "2026-11-22T09:00:00.123456Z"),
    ],
)
def test_an_instant_is_shown_in_utc(text: str, shown: str) -> None:
    at_us = instant_us(InstantText(text), "at")
    assert at_us is not None
    assert instant_out(at_us) == shown


@pytest.mark.parametrize("value", [1_700_000_000, 1.5, None, True])
def test_an_instant_is_a_string(value: object) -> None:
    with pytest.raises(GraphQLError, match="DateTime"):
        instant_in(value)


def test_a_long_value_is_not_repeated_at_length() -> None:
    with pytest.raises(GraphQLError) as caught:
        integer_in("9" * 10_000)
    assert len(caught.value.message) < 200


def test_money_has_no_exponent() -> None:
    assert money(1) == Decimal("0.000000001")
