"""The scalars: what travels, and how it looks.

A scalar checks only the shape of what comes in; the room that knows the meaning parses it and names the
field at fault (``pricing.money``, ``resolvers.instants``, ``ledger.usage``). So one bad usage of a batch
fails alone instead of taking the whole request with it.

| scalar   | in Python                                | in JSON                                             |
| -------- | ---------------------------------------- | --------------------------------------------------- |
| Decimal  | its plain text, no exponent              | a string; a JSON integer is taken too, a float never |
| DateTime | µs since the epoch out, text in          | ISO 8601 with an offset, UTC out                    |
| BigInt   | int                                      | an integer of any size                              |
| JSON     | whatever JSON holds                      | any value                                           |
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError

Decimal = NewType("Decimal", str)
DateTime = NewType("DateTime", int)
InstantText = NewType("InstantText", str)
"""The same scalar as it comes in: text that is not yet known to be an instant."""
BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_SHOWN_MAX: Final = 64


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= TEXT_SHOWN_MAX else text[:TEXT_SHOWN_MAX] + "…"


def decimal_in(value: Any) -> str:
    """The text of a decimal. Raises ``GraphQLError`` for a float: it may have lost digits already."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise GraphQLError(f'A Decimal is a string such as "12.50", so that it stays exact; not {_shown(value)}.')


def instant_in(value: Any) -> InstantText:
    """The text of an instant."""
    if isinstance(value, str):
        return InstantText(value)
    raise GraphQLError(f'A DateTime is a string such as "2026-11-22T09:00:00Z"; not {_shown(value)}.')


def instant_out(instant_us: int) -> str:
    """ISO 8601 in UTC: ``2026-11-22T09:00:00Z``, with microseconds where there are any."""
    return (EPOCH + timedelta(microseconds=instant_us)).isoformat().removesuffix("+00:00") + "Z"


def integer_in(value: Any) -> int:
    """An integer. Raises ``GraphQLError`` for strings, floats and booleans."""
    if type(value) is int:
        return value
    raise GraphQLError(f"A BigInt is a JSON integer; not {_shown(value)}.")


def _same(value: Any) -> Any:
    return value


_DATE_TIME: Final = strawberry.scalar(
    name="DateTime",
    description="An instant in ISO 8601 with an offset: 2026-11-22T09:00:00Z.",
    serialize=instant_out,
    parse_value=instant_in,
)

SCALARS: Final[dict[object, Any]] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, as a string: "47.608895".',
        serialize=_same,
        parse_value=decimal_in,
    ),
    DateTime: _DATE_TIME,
    InstantText: _DATE_TIME,
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A JSON integer that may need more than 32 bits.",
        serialize=_same,
        parse_value=integer_in,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_same,
        parse_value=_same,
    ),
}
