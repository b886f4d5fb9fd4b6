"""Tables on their way out: typed columns, written as CSV or as one JSON object per line.

CSV is RFC 4180 in UTF-8 with a header. Money has all nine decimals there. A text that a spreadsheet would
take for a formula gets an apostrophe in front, and so does a text that begins with one, so that taking one
apostrophe off always gives back what was recorded. Figures are never quoted: they are ours.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from pricing.money import format_nano, format_nano_fixed

Row = Mapping[str, Any]
"""Values by column: text, counts as int, money as nano-units, JSON as text; None where there is none."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that some spreadsheet computes (also with full-width signs), or that is escaped."""


class Format(StrEnum):
    """How a table is written."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return "text/csv; charset=utf-8; header=present" if self is Format.CSV else "application/x-ndjson"


class Kind(StrEnum):
    """What is in a column."""

    TEXT = "text"
    COUNT = "count"
    MONEY = "money"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name."""

    name: str
    kind: Kind = Kind.TEXT


def head_of(columns: Sequence[Column], form: Format) -> bytes:
    """What comes before the rows."""
    return b"" if form is Format.JSONL else _csv([[column.name for column in columns]])


def rows_of(columns: Sequence[Column], rows: Sequence[Row], form: Format) -> bytes:
    """Some rows, written."""
    if form is Format.JSONL:
        return b"".join(
            orjson.dumps({each.name: _json_value(each.kind, row[each.name]) for each in columns}) + b"\n"
            for row in rows
        )
    return _csv([[_cell(each.kind, row[each.name]) for each in columns] for row in rows])


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    match kind:
        case Kind.MONEY:
            return format_nano_fixed(value)
        case Kind.COUNT:
            return str(value)
        case _:
            return f"'{value}" if value.startswith(FORMULA) else value


def _json_value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.MONEY:
            return format_nano(value)
        case Kind.JSON:
            return orjson.Fragment(value)
        case _:
            return value
