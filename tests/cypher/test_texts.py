"""Rung 1: texts and declarations agree, looked at without an engine."""

from typing import Any

import pytest

from cypher import CypherQuery, all_queries
from cypher.query import ROOT
from tests.support.cypher_text import columns, parameters

QUERIES = pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.name)


def keys_of(model: type) -> set[str]:
    """A TypedDict's keys, inherited ones included; ``NoParams`` and ``NoRow`` have none."""
    return set(getattr(model, "__required_keys__", ())) | set(getattr(model, "__optional_keys__", ()))


def test_files_and_declarations_match_one_to_one() -> None:
    files = {path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.cypher")}
    assert files == {query.name for query in all_queries()}


@QUERIES
def test_parameters_are_the_declared_ones(query: CypherQuery[Any, Any]) -> None:
    assert parameters(query.text) == keys_of(query.params)


@QUERIES
def test_columns_are_the_declared_ones(query: CypherQuery[Any, Any]) -> None:
    found = columns(query.text)
    assert (len(found), set(found)) == (len(set(found)), keys_of(query.row))


@QUERIES
def test_a_text_does_not_begin_with_a_comment(query: CypherQuery[Any, Any]) -> None:
    """The embedded engine cannot EXPLAIN one that does."""
    assert not query.text.lstrip().startswith(("//", "/*"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE (n:Budget {uid: $uid})", []),
        ("MATCH (n) RETURN n.a AS a, n{.b, .c} AS map, x ORDER BY a, n.d LIMIT 5", ["a", "map", "x"]),
        ("MATCH (n) CALL (n) { MATCH (m) RETURN m.z AS z } RETURN DISTINCT count(z) AS total", ["total"]),
        ("RETURN 'a, b AS c' AS text, [x IN $list | x] AS list // , d AS d", ["text", "list"]),
    ],
)
def test_columns_are_read_from_the_last_outer_return(text: str, expected: list[str]) -> None:
    assert columns(text) == expected


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        columns("MATCH (n) RETURN n.a")
