"""Money: integers of nano-units (1e-9) of a currency inside, ``Decimal`` and text at the edges.

The one rounding rule of the project is :func:`round_ratio` (half to even); every other place is
exact or calls it. Amounts and sums fit into 64 signed bits: about ± 9.2 thousand million units.
"""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from pricing.errors import AmountOutOfRange, InvalidAmount, InvalidCurrency

NANO = 10**9
PLACES = 9
NANO_MAX = 2**63 - 1
NANO_MIN = -(2**63)

# A power of ten above NANO_MAX units: larger numbers are refused before their digits are expanded
# ("1e999999999" must not cost a gigabyte), and smaller than half a nano-unit is zero.
_ADJUSTED_MAX = 10
_ADJUSTED_MIN = -PLACES - 1
DIGITS_MAX = 64
"""How many digits a number that somebody sends has, and how many places on either side of its point."""

_CURRENCY = re.compile(r"[A-Z0-9]{3,10}")


def round_ratio(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` (positive) as an integer, ties to the even neighbour."""
    quotient, rest = divmod(numerator, denominator)
    twice = rest + rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def check_range(nano: int, field: str | None = None) -> int:
    """``nano`` itself, or ``AmountOutOfRange`` when 64 signed bits cannot hold it."""
    if NANO_MIN <= nano <= NANO_MAX:
        return nano
    message = f"{field or 'amount'} is past what 64 bits of nano-units can hold"
    raise AmountOutOfRange(message, field)


def checked_add(left_nano: int, right_nano: int, field: str | None = None) -> int:
    """The sum of two amounts; raises ``AmountOutOfRange``."""
    return check_range(left_nano + right_nano, field)


def checked_sum(amounts_nano: Iterable[int], field: str | None = None) -> int:
    """The sum of many amounts; only the result must fit. Raises ``AmountOutOfRange``."""
    return check_range(sum(amounts_nano), field)


def to_nano(amount: Decimal, field: str | None = None) -> int:
    """Nano-units of ``amount``, rounded half to even. Raises ``InvalidAmount``, ``AmountOutOfRange``."""
    if not amount.is_finite():
        message = f"{field or 'amount'} must be a finite number"
        raise InvalidAmount(message, field)
    if not amount:
        return 0
    adjusted = amount.adjusted()
    if adjusted < _ADJUSTED_MIN:
        return 0
    if adjusted > _ADJUSTED_MAX:
        return check_range(NANO_MAX + 1, field)
    numerator, denominator = amount.as_integer_ratio()
    return check_range(round_ratio(numerator * NANO, denominator), field)


def to_nano_exact(amount: Decimal, field: str | None = None) -> int:
    """As :func:`to_nano`, but ``InvalidAmount`` where nine decimal places do not suffice."""
    nano = to_nano(amount, field)
    if from_nano(nano) != amount:
        message = f"{field or 'amount'} has more than {PLACES} decimal places"
        raise InvalidAmount(message, field)
    return nano


def parse_decimal(text: str, field: str | None = None) -> Decimal:
    """A finite ``Decimal`` of at most 64 digits on either side of the point.

    Raises ``InvalidAmount``, ``AmountOutOfRange``.
    """
    try:
        # "_" is legal in Decimal("1_000"): nobody sends it on purpose.
        value = Decimal(text) if len(text) <= DIGITS_MAX and "_" not in text else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite():
        message = f"{field or 'amount'} is not a decimal number: {text[:DIGITS_MAX]!r}"
        raise InvalidAmount(message, field)
    return check_digits(value, field)


def check_digits(value: Decimal, field: str | None = None) -> Decimal:
    """``value`` itself, if it can be written out: a fraction of "1e999999999" has as many digits.

    Raises ``InvalidAmount``, ``AmountOutOfRange``.
    """
    if value and abs(value.adjusted()) > DIGITS_MAX:
        check_range(NANO_MAX + 1 if value.adjusted() > 0 else 0, field)
        message = f"{field or 'amount'} has more than {DIGITS_MAX} decimal places"
        raise InvalidAmount(message, field)
    return value


def parse_nano(text: str, field: str | None = None) -> int:
    """Nano-units of a decimal string, exactly. Raises ``InvalidAmount``, ``AmountOutOfRange``."""
    return to_nano_exact(parse_decimal(text, field), field)


def format_nano(nano: int) -> str:
    """Plain decimal text without exponent or trailing zeros: ``47608895000`` → ``"47.608895"``."""
    if nano < 0:
        return f"-{format_nano(-nano)}"
    units, fraction = divmod(nano, NANO)
    return f"{units}.{fraction:0{PLACES}d}".rstrip("0") if fraction else str(units)


def format_nano_fixed(nano: int) -> str:
    """Plain decimal text with all nine places, for tables: ``47608895000`` → ``"47.608895000"``."""
    units, fraction = divmod(abs(nano), NANO)
    sign = "-" if nano < 0 else ""
    return f"{sign}{units}.{fraction:0{PLACES}d}"


def from_nano(nano: int) -> Decimal:
    """The exact ``Decimal``, without trailing zeros.

    Print it with :func:`format_nano`: ``str`` of a ``Decimal`` below 0.000001 has an exponent.
    """
    return Decimal(format_nano(nano))


def validate_currency(text: str, field: str | None = "currency") -> str:
    """``text`` if it is a code of 3 to 10 capital letters or digits (USD, USDC), else ``InvalidCurrency``."""
    if _CURRENCY.fullmatch(text):
        return text
    message = f"{field or 'currency'} must be 3 to 10 capital letters or digits, not {text[:DIGITS_MAX]!r}"
    raise InvalidCurrency(message, field)
