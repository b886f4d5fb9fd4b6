"""Exchange rates: dated, kept as they were given, and the conversion of amounts by them.

A rate says how much of ``quote`` one ``base`` is worth on a day, as the files of the European Central Bank do
(one EUR = 1.0823 USD). The rate of a day is the latest that was given for it or for one of the
``AGE_DAYS_MAX`` days before: banks publish none at weekends. Pairs are looked up directly, else turned
round, else by way of one currency in between. Codes are codes, not only those of ISO 4217: USDC is one.
"""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import lru_cache
from io import StringIO
from typing import Final, NamedTuple

from pricing.calendar import DAY_US, check_instant, date_day, day_date
from pricing.errors import InvalidPriceData, InvalidRate, NoExchangeRate
from pricing.money import NANO, check_range, parse_decimal, round_ratio, validate_currency
from pricing.quote import Pricing, Quote

AGE_DAYS_MAX: Final = 7
DIGITS: Final = Context(prec=18)
"""A rate that is computed (turned round, or by way of another currency) has so many digits; it is kept so."""
_PAIRS_MAX: Final = 4096
_DAY: Final = "%d %B %Y"
_DIGITS_OF: Final = {
    code: digits
    for digits, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
        (6, "USDC USDT"),
    )
    for code in codes.split()
}


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One ``base`` was worth ``rate`` of ``quote`` on a day."""

    base: str
    quote: str
    rate: Decimal
    day: int
    """Days since 1970-01-01."""
    source: str = "manual"

    def __post_init__(self) -> None:
        validate_currency(self.base, "base")
        validate_currency(self.quote, "quote")
        if not (self.rate.is_finite() and self.rate > 0):
            raise InvalidRate(
                f"the rate of {self.base} in {self.quote} ({self.rate}) must be above 0", "rate"
            )
        if self.base == self.quote and self.rate != 1:
            raise InvalidRate(f"one {self.base} is one {self.base}, not {self.rate}", "rate")


class Conversion(NamedTuple):
    """The rate that an amount was converted by, as it is kept on its entry."""

    from_currency: str
    to_currency: str
    rate: Decimal
    date: str
    """ISO date of the rate: the day on which it was given, or the older one of two."""
    source: str

    def convert(self, amount_nano: int) -> int:
        """The amount in the other currency, rounded half to even. Raises ``AmountOutOfRange``."""
        numerator, denominator = self.rate.as_integer_ratio()
        return check_range(round_ratio(amount_nano * numerator, denominator))


class ExchangeRates:
    """All rates that are known; immutable."""

    def __init__(self, rates: Iterable[ExchangeRate]) -> None:
        self._pairs: dict[tuple[str, str], list[ExchangeRate]] = {}
        for rate in rates:
            self._pairs.setdefault((rate.base, rate.quote), []).append(rate)
        for listed in self._pairs.values():
            listed.sort(key=lambda rate: rate.day)  # stable: of one day's, the last that was given holds
        self._by_day = lru_cache(maxsize=_PAIRS_MAX)(self._find)

    def given(self, base: str, quote: str) -> Sequence[ExchangeRate]:
        """The rates of a pair as they were given, by day; of one day's, the last one holds."""
        return self._pairs.get((base, quote), ())

    def find(self, from_currency: str, to_currency: str, at_us: int) -> Conversion:
        """The conversion that holds at an instant (of its day in UTC). Raises ``NoExchangeRate``."""
        day = check_instant(at_us) // DAY_US
        found = self._by_day(from_currency, to_currency, day)
        if found is None:
            message = (
                f"no rate from {from_currency} to {to_currency} is known for {day_date(day)} "
                f"or the {AGE_DAYS_MAX} days before"
            )
            raise NoExchangeRate(message, "currency")
        return found

    def _find(self, base: str, quote: str, day: int) -> Conversion | None:
        if base == quote:
            return Conversion(base, quote, Decimal(1), day_date(day).isoformat(), "identity")
        direct = self._leg(base, quote, day)
        if direct is not None:
            return direct
        between = {b for a, b in self._pairs if a == base} | {a for a, b in self._pairs if b == base}
        for middle in sorted(between):
            first, second = self._leg(base, middle, day), self._leg(middle, quote, day)
            if first is not None and second is not None:
                rate = DIGITS.multiply(first.rate, second.rate).normalize(DIGITS)
                source = first.source if first.source == second.source else f"{first.source}, {second.source}"
                return Conversion(base, quote, rate, min(first.date, second.date), source)
        return None

    def _leg(self, base: str, quote: str, day: int) -> Conversion | None:
        """The rate of a pair as it was given, or turned round; the later of the two."""
        given, turned = self._latest(base, quote, day), self._latest(quote, base, day)
        if given is not None and (turned is None or given.day >= turned.day):
            return Conversion(base, quote, given.rate, day_date(given.day).isoformat(), given.source)
        if turned is not None:
            rate = DIGITS.divide(Decimal(1), turned.rate).normalize(DIGITS)
            return Conversion(base, quote, rate, day_date(turned.day).isoformat(), turned.source)
        return None

    def _latest(self, base: str, quote: str, day: int) -> ExchangeRate | None:
        listed = self._pairs.get((base, quote), [])
        index = bisect_right(listed, day, key=lambda rate: rate.day) - 1
        return listed[index] if index >= 0 and listed[index].day >= day - AGE_DAYS_MAX else None


def charge_in(quote: Quote, currency: str, rates: ExchangeRates, at_us: int) -> Quote:
    """A quote for a budget tree of a currency: converted by the rate of its day, which it keeps.

    Each component is converted and rounded by itself, and the total is their sum. Without a rate it is
    UNPRICED (NO_RATE), as :meth:`Quote.charged_in` says.
    """
    if quote.currency == currency or not quote.total_nano or quote.pricing is Pricing.UNPRICED:
        return quote.charged_in(currency)
    try:
        found = rates.find(quote.currency, currency, at_us)
    except NoExchangeRate:
        return quote.charged_in(currency)
    prompt, completion, other = map(
        found.convert, (quote.prompt_nano, quote.completion_nano, quote.other_nano)
    )
    return quote._replace(
        currency=currency,
        prompt_nano=prompt,
        completion_nano=completion,
        other_nano=other,
        total_nano=check_range(prompt + completion + other, "total_cost"),
        list_nano=None if quote.list_nano is None else found.convert(quote.list_nano),
        fx_rate=format(found.rate, "f"),
        fx_date=found.date,
        fx_source=found.source,
        fx_from=found.from_currency,
    )


def read_ecb(content: str, source: str = "ecb") -> Iterator[ExchangeRate]:
    """The rates of an ECB-style table: a column per currency, a row per day, in units per one EUR.

    ``N/A`` and empty cells are left out. Raises ``InvalidPriceData`` for anything else that is no rate.
    """
    rows = csv.reader(StringIO(content))
    header = [cell.strip() for cell in next(rows, list[str]())]
    if not header or header[0].lower() != "date":
        raise InvalidPriceData("a table of rates begins with a column Date", "content")
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        day = _day(row[0].strip(), number)
        for currency, cell in zip(header[1:], row[1:], strict=False):
            text = cell.strip()
            if currency and text and text.upper() != "N/A":
                try:
                    yield ExchangeRate("EUR", currency, parse_decimal(text, "rate"), day, source)
                except ValueError as error:
                    raise InvalidPriceData(f"line {number}, {currency}: {error}", "content") from error


def _day(text: str, line: int) -> int:
    try:
        # Tables of one day say it in words: 20 November 2026.
        iso = text[:4].isdigit()
        day = date.fromisoformat(text) if iso else datetime.strptime(text, _DAY).replace(tzinfo=UTC).date()
        return date_day(day)
    except ValueError as error:
        raise InvalidPriceData(f"line {line}: {text[:20]!r} is not a date", "content") from error


def minor_digits(currency: str) -> int:
    """How many decimals amounts of a currency are paid with: 0 for JPY, 3 for KWD, 2 for most."""
    return _DIGITS_OF.get(currency, 2)


def in_minor_units(amount_nano: int, currency: str) -> int:
    """The amount in the smallest unit that is paid (cents, yen, fils), rounded half to even."""
    return round_ratio(amount_nano * 10 ** minor_digits(currency), NANO)
