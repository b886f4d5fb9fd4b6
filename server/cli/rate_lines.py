"""Lines of rate cards as words: ``completion 10 per 1M above 1000000 8``."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from server.cli.errors import MISUSED, CliError

MULTIPLES = {"": 1, "K": 10**3, "M": 10**6}
SEMANTICS = {"graduated", "cliff"}
BASES = {"call", "month", "prompt"}
SHAPE = "UNIT PRICE [per N] [above N PRICE]… [cliff] [by month], or UNIT -20%"


def line_of(text: str) -> dict[str, Any]:
    """The API's words for one line. Raises ``CliError``."""
    words = text.split()
    if len(words) < 2:  # noqa: PLR2004 - a unit and a price
        raise _misused(text, "it has no price")
    unit, price, *rest = words
    if price.endswith("%"):
        if rest or not price.startswith("-"):
            raise _misused(text, "a discount is like -20%, alone")
        return {"unit": unit, "discountPercent": str(_number(text, price[1:-1]))}
    line: dict[str, Any] = {"unit": unit, "price": str(_number(text, price)), "steps": []}
    while rest:
        word = rest.pop(0).lower()
        if word == "per" and rest:
            line["per"] = _count(text, rest.pop(0))
        elif word == "above" and len(rest) > 1:
            above, at = rest.pop(0), rest.pop(0)
            line["steps"].append({"above": _count(text, above), "price": str(_number(text, at))})
        elif word in SEMANTICS:
            line["semantics"] = word.upper()
        elif word == "by" and rest and rest[0].lower() in BASES:
            line["basis"] = rest.pop(0).upper()
        else:
            raise _misused(text, f"{word} has no place there")
    return line


def line_text(line: dict[str, Any]) -> str:
    """A line as it is said."""
    if line["discountPercent"] is not None:
        return f"{line['unit']} -{line['discountPercent']}%"
    parts = [line["unit"], line["price"]]
    if line["per"] != 1:
        parts += ["per", _short(line["per"])]
    for step in line["steps"]:
        parts += ["above", _short(step["above"]), step["price"]]
    if line["steps"]:
        parts += [line["semantics"].lower(), "by", line["basis"].lower()]
    return " ".join(parts)


def _short(count: int) -> str:
    for letter, multiple in (("M", 10**6), ("K", 10**3)):
        if count and count % multiple == 0:
            return f"{count // multiple}{letter}"
    return str(count)


def _count(text: str, word: str) -> int:
    found = re.fullmatch(r"(\d+)([KM]?)", word.upper())
    if found is None:
        raise _misused(text, f"{word} is no count")
    return int(found[1]) * MULTIPLES[found[2]]


def _number(text: str, word: str) -> Decimal:
    try:
        number = Decimal(word)
    except InvalidOperation:
        raise _misused(text, f"{word} is no number") from None
    if not number.is_finite():
        raise _misused(text, f"{word} is no number")
    return number


def _misused(text: str, why: str) -> CliError:
    return CliError(f"A line is {SHAPE}; of {text!r}: {why}.", MISUSED)
