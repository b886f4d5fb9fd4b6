"""Between the words of the rooms below (snake_case, integers) and those of the API."""

from datetime import datetime

import strawberry
from strawberry.utils.str_converters import to_camel_case

from ledger.errors import InvalidInput
from ledger.model import Meter
from pricing.calendar import from_datetime
from pricing.money import format_nano, parse_decimal, parse_nano
from pricing.units import COUNT_MAX
from schema.scalars import DateTime, Decimal, InstantText

PPM = 1_000_000
FIRST_MAX = 500
"""The longest page of any list."""


def check_first(first: int) -> int:
    """The length of a page as asked for. Raises ``InvalidInput``."""
    if not 1 <= first <= FIRST_MAX:
        raise InvalidInput(f"first must be from 1 to {FIRST_MAX}, not {first}", field="first")
    return first


def field_name(name: str | None) -> str | None:
    """A field as GraphQL clients know it: ``prompt_tokens`` → ``promptTokens``."""
    return None if name is None else ".".join(to_camel_case(part) for part in name.split("."))


def instant_us(text: InstantText | None, field: str) -> int | None:
    """Microseconds since the epoch. Raises ``InvalidInput``, ``PricingError``."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{field} is not an ISO 8601 instant such as 2026-11-22T09:00:00Z", field=field
        ) from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{field} needs an offset: add Z for UTC", field=field)
    return from_datetime(moment, field)


def optional_id(text: str | None) -> strawberry.ID | None:
    """An id, where there is one."""
    return None if text is None else strawberry.ID(text)


def optional_instant(at_us: int | None) -> DateTime | None:
    """An instant, where there is one."""
    return None if at_us is None else DateTime(at_us)


def nano(text: Decimal | None, field: str) -> int | None:
    """Nano-units. Raises ``PricingError``."""
    return None if text is None else parse_nano(text, field)


def ppm(fraction: float, field: str) -> int:
    """Parts per million, rounded to whole ones. Raises ``InvalidInput`` for what is no fraction at all."""
    if not abs(fraction) <= PPM:  # NaN is not, either
        raise InvalidInput(f"{field} is a fraction such as 0.8, not {fraction}", field=field)
    return round(fraction * PPM)


def whole(text: Decimal, field: str) -> int:
    """A count. Raises ``InvalidInput``, ``PricingError``."""
    number = parse_decimal(text, field)
    if number != number.to_integral_value() or abs(number) > COUNT_MAX:
        raise InvalidInput(f"{field} must be a whole number of at most {COUNT_MAX}, not {text}", field=field)
    return int(number)


def fraction(parts: int | None) -> float | None:
    """The fraction of parts per million."""
    return None if parts is None else parts / PPM


def money(amount_nano: int) -> Decimal:
    """The decimal text of nano-units."""
    return Decimal(format_nano(amount_nano))


def optional_money(amount_nano: int | None) -> Decimal | None:
    """The decimal text of nano-units, where there are any."""
    return None if amount_nano is None else money(amount_nano)


def quantity(figure: int | None, meter: Meter | None) -> Decimal | None:
    """A figure in its limit's unit: nano-units for COST, a count otherwise."""
    if figure is None:
        return None
    return money(figure) if meter is Meter.COST else Decimal(str(figure))


def used(counted: int, amount: int | None) -> float | None:
    """Counted / amount, where there is an amount; of an amount of 0: 0 while nothing is counted, then 1."""
    if amount is None:
        return None
    return counted / amount if amount else float(counted > 0)


def figure(amount: int, meter: Meter) -> Decimal:
    """As ``quantity``, of a figure that is there."""
    return money(amount) if meter is Meter.COST else Decimal(str(amount))
