"""Tables of exchange rates as documents: the European Central Bank's CSV, plain or zipped as published.

Of a long history the newest days are taken; a rate that nothing can cost refuses the whole document.
"""

import zlib
from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from pricing.currency import ExchangeRate, read_ecb
from pricing.errors import InvalidPriceData

DAYS_MAX: Final = 400
"""How far back from its newest day a table is taken: a year of late usage and of corrections."""
RATES_MAX: Final = 20_000
RATE_MAX: Final = Decimal(10**9)
"""Of one currency in another, either way round: more is a mistake."""
CSV_BYTES_MAX: Final = 32 << 20
_ZIP: Final = b"PK\x03\x04"


class RateTable(NamedTuple):
    """What is taken of a table."""

    rates: tuple[ExchangeRate, ...]
    left_out: int
    """Rates of days that are too old."""


def read_table(content: bytes, source: str) -> RateTable:
    """The rates of a table, under a name of their source. Raises ``InvalidPriceData``."""
    try:
        text = _unpacked(content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidPriceData("a table of rates is UTF-8 text", "content") from error
    every = list(read_ecb(text, source))
    if not every:
        raise InvalidPriceData("the table has no rates", "content")
    since = max(rate.day for rate in every) - DAYS_MAX
    rates = tuple(rate for rate in every if rate.day > since)
    if len(rates) > RATES_MAX:
        raise InvalidPriceData(f"{len(rates)} rates of {DAYS_MAX} days; at most {RATES_MAX}", "content")
    _check(rates)
    return RateTable(rates, len(every) - len(rates))


def _unpacked(content: bytes) -> bytes:
    """The table of a zip that has one file in it; anything else is the table."""
    if not content.startswith(_ZIP):
        return content
    try:
        with ZipFile(BytesIO(content)) as packed:
            first, *others = packed.namelist()
            with packed.open(first) as file:
                table = file.read(CSV_BYTES_MAX + 1)
    except (
        BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise InvalidPriceData("the zip cannot be read", "content") from error
    if others:
        raise InvalidPriceData(f"a zip of {1 + len(others)} files, where one is expected", "content")
    if len(table) > CSV_BYTES_MAX:
        raise InvalidPriceData(f"the table has more than {CSV_BYTES_MAX} bytes", "content")
    return table


def _check(rates: Sequence[ExchangeRate]) -> None:
    seen: set[tuple[str, int]] = set()
    for rate in rates:
        if not 1 / RATE_MAX <= rate.rate <= RATE_MAX:
            text = f"one {rate.base} is {rate.rate} {rate.quote}: there can be no such rate"
            raise InvalidPriceData(text[:300], "content")
        if (rate.quote, rate.day) in seen:
            raise InvalidPriceData(f"{rate.quote} has two rates on one day", "content")
        seen.add((rate.quote, rate.day))
