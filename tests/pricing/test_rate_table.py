"""Tables of exchange rates as documents: as they are published, and as they must not be."""

from decimal import Decimal

import pytest

from pricing.calendar import day_date
from pricing.currency import ExchangeRate
from pricing.errors import InvalidPriceData
from pricing.rate_table import DAYS_MAX, read_table
from tests.support.rate_tables import table, zipped
from tests.support.shop import day_of

FRIDAY = day_of("2026-11-20")
RATES = (
    ExchangeRate("EUR", "USD", Decimal("1.0823"), FRIDAY, "bank"),
    ExchangeRate("EUR", "JPY", Decimal("163.42"), FRIDAY, "bank"),
)


@pytest.mark.parametrize(
    "content",
    [
        table("2026-11-20, 1.0823, 163.42"),
        b"\xef\xbb\xbf" + table("2026-11-20, 1.0823, 163.42"),
        table("20 November 2026, 1.0823, 163.42"),
        zipped(table("20 November 2026, 1.0823, 163.42")),
    ],
    ids=["plain", "with a mark", "a day in words", "zipped"],
)
def test_a_table_is_read_as_it_is_published(content: bytes) -> None:
    assert read_table(content, "bank") == (RATES, 0)


def test_of_a_history_the_newest_days_are_taken_and_the_others_counted() -> None:
    days = [FRIDAY, FRIDAY - DAYS_MAX + 1, FRIDAY - DAYS_MAX, day_of("1999-01-04")]
    read = read_table(table(*(f"{day_date(day)}, 1.1, N/A" for day in days)), "bank")
    assert [rate.day for rate in read.rates] == days[:2]
    assert read.left_out == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with a column Date"),
        (b"<html>maintenance</html>", "begins with a column Date"),
        (b'{"rates": {}}', "begins with a column Date"),
        (table(), "no rates"),
        (table("2026-11-20, N/A, "), "no rates"),
        (table("2026-11-20, 1.0823, 163.42")[:-9] + b"\xff", "UTF-8"),
        (table("2026-11-20, 10000000000, 163.42"), "one EUR is .* USD: there can be no such rate"),
        (table("2026-11-20, 0.0000000001, 163.42"), "there can be no such rate"),
        (table("2026-11-20, NaN, 163.42"), "line 2, USD"),
        (table("2026-11-20, 1, 2", currencies="USD, USD"), "USD has two rates on one day"),
        (table("2026-11-20, 1, 2", "2026-11-20, 1, 2"), "USD has two rates on one day"),
        (zipped(table("2026-11-20, 1, 2"))[:60], "the zip cannot be read"),
        (zipped(table("2026-11-20, 1, 2"), b"and more"), "a zip of 2 files"),
        (zipped(), "begins with a column Date"),
    ],
)
def test_what_is_no_table_is_an_error_that_says_why(content: bytes, message: str) -> None:
    with pytest.raises(InvalidPriceData, match=message):
        read_table(content, "bank")


def test_a_zip_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricing.rate_table.CSV_BYTES_MAX", 1000)
    with pytest.raises(InvalidPriceData, match="more than 1000 bytes"):
        read_table(zipped(b"Date, USD\n" + b" " * 10_000), "bank")
