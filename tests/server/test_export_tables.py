"""Tables as they are written: exact money, no formulas, text that survives."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.money import NANO_MAX, NANO_MIN, parse_nano
from server.exports.tables import FORMULA, Column, Format, Kind, head_of, rows_of

COLUMNS = (Column("who"), Column("count", Kind.COUNT), Column("cost", Kind.MONEY), Column("tags", Kind.JSON))


def row(**values: Any) -> dict[str, Any]:
    return {"who": None, "count": None, "cost": None, "tags": None, **values}


def read(*rows: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of a CSV, as a reader finds them."""
    text = (head_of(COLUMNS, Format.CSV) + rows_of(COLUMNS, rows, Format.CSV)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@given(st.integers(NANO_MIN, NANO_MAX))
def test_money_has_nine_decimals_and_is_exact(nano: int) -> None:
    (found,) = read(row(cost=nano))
    assert len(found["cost"].partition(".")[2]) == 9
    assert parse_nano(found["cost"]) == nano


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_is_a_formula_and_every_text_comes_back(text: str) -> None:
    (found,) = read(row(who=text))
    cell = found["who"]
    assert not cell.startswith(tuple(each for each in FORMULA if each != "'"))
    assert cell.removeprefix("'") == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'quoted", "\uff1d1"])
def test_what_a_spreadsheet_computes_is_escaped(text: str) -> None:
    (found,) = read(row(who=text))
    assert found["who"] == f"'{text}"


def test_a_negative_figure_is_a_figure() -> None:
    (found,) = read(row(cost=-1_400_000, count=-3))
    assert (found["cost"], found["count"]) == ("-0.001400000", "-3")


def test_lines_are_those_of_the_rfc() -> None:
    written = rows_of(COLUMNS, [row(who='a "b", c\nd', tags='{"a": 1}')], Format.CSV)
    assert written == b'"a ""b"", c\nd",,,"{""a"": 1}"\r\n'


def test_json_lines_hold_what_was_recorded_as_it_was() -> None:
    written = rows_of(COLUMNS, [row(who="=1+1", count=7, cost=1, tags='{"a": 1}'), row()], Format.JSONL)
    assert [json.loads(line) for line in written.splitlines()] == [
        {"who": "=1+1", "count": 7, "cost": "0.000000001", "tags": {"a": 1}},
        {"who": None, "count": None, "cost": None, "tags": None},
    ]
    assert head_of(COLUMNS, Format.JSONL) == b""
