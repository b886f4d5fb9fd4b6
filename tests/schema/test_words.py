"""Words between the rooms and the API."""

import pytest

from ledger.errors import InvalidInput
from ledger.model import Meter
from pricing.errors import PricingError
from schema.rate_card_inputs import percent_ppm
from schema.scalars import Decimal, InstantText
from schema.words import FIRST_MAX, check_first, field_name, fraction, instant_us, ppm, quantity, used, whole


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("budget_id", "budgetId"),
        ("cache_write_1h_tokens", "cacheWrite1hTokens"),
        ("tags.run_id", "tags.runId"),
        (None, None),
    ],
)
def test_a_field_is_named_as_clients_know_it(ours: str | None, theirs: str | None) -> None:
    assert field_name(ours) == theirs


@pytest.mark.parametrize("text", ["2026-11-22", "2026-11-22T09:00:00", "yesterday", ""])
def test_an_instant_without_an_offset_is_refused_and_named(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        instant_us(InstantText(text), "period_start")
    assert caught.value.field == "period_start"


def test_an_instant_beyond_all_calendars_is_refused_and_named() -> None:
    with pytest.raises(PricingError) as caught:
        instant_us(InstantText("2500-01-01T00:00:00Z"), "to")
    assert caught.value.field == "to"


@pytest.mark.parametrize(
    ("share", "parts"), [(0.8, 800_000), (0.1 + 0.2, 300_000), (1.0, 1_000_000), (0.0, 0)]
)
def test_a_fraction_is_held_in_parts_per_million(share: float, parts: int) -> None:
    assert ppm(share, "warning_threshold") == parts
    assert fraction(parts) == pytest.approx(share)


@pytest.mark.parametrize("share", [1.7976931348623155e308, -1e300, float("inf"), float("nan")])
def test_what_is_no_fraction_is_refused_and_named(share: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        ppm(share, "warning_threshold")
    assert caught.value.field == "warning_threshold"


@pytest.mark.parametrize("text", ["1e999999", "-1e999999", "101", "-1", "1e-7", "NaN"])
def test_a_percentage_is_one(text: str) -> None:
    with pytest.raises((InvalidInput, PricingError)) as caught:
        percent_ppm(Decimal(text), "fee_percent")
    assert caught.value.field == "fee_percent"
    assert percent_ppm(Decimal("12.5"), "fee_percent") == 125_000


@pytest.mark.parametrize("first", [0, -1, FIRST_MAX + 1, 10**9])
def test_a_page_has_a_length(first: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_first(first)
    assert caught.value.field == "first"


def test_a_figure_is_in_the_unit_of_its_limit() -> None:
    assert quantity(1_500_000_000, Meter.COST) == "1.5"
    assert quantity(1_500_000_000, Meter.TOKENS) == "1500000000"
    assert quantity(None, Meter.COST) is None


@pytest.mark.parametrize("text", ["1.5", "1e30", "many", ""])
def test_a_count_is_whole(text: str) -> None:
    with pytest.raises((InvalidInput, PricingError)):
        whole(Decimal(text), "limits")
    assert whole(Decimal("1e3"), "limits") == 1000


def test_nothing_is_divided_by_an_amount_of_zero() -> None:
    assert (used(0, 0), used(1, 0), used(1, 4), used(1, None)) == (0.0, 1.0, 0.25, None)
