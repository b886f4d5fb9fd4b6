"""Rung 3: every query has an example that does something, on both engines, with rows as declared."""

import contextlib
import typing
from collections.abc import Generator
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest
import typing_extensions
from pydantic import ConfigDict, TypeAdapter

from cypher import CypherQuery, all_queries
from cypher.migrations import UNIQUE_MIGRATION_VERSION
from cypher.query import NoRow
from graph.database import Database, Transaction
from graph.migrations import MIGRATIONS
from tests.cypher.examples import Example, all_examples
from tests.support.graphs import RolledBack

SCHEMA = {
    UNIQUE_MIGRATION_VERSION,
    *(statement for migration in MIGRATIONS for statement in migration.statements),
}
"""Statements that have run when a test has its graph, and cannot share a transaction with data."""

EXAMPLES = [
    pytest.param(example, id=f"{name}-{number}" if number else name)
    for name, examples in all_examples().items()
    for number, example in enumerate(examples)
]


@contextlib.contextmanager
def rolled_back(database: Database) -> Generator[Transaction]:
    """A transaction that leaves no trace."""
    with contextlib.suppress(RolledBack), database.transaction() as transaction:
        yield transaction
        raise RolledBack


def prepare(transaction: Transaction, example: Example[Any]) -> None:
    """What an example needs in the graph."""
    for step in example.given:
        if isinstance(step, str):
            transaction.run_text(step)
        else:
            query, params = step
            transaction.run(query, params)


def run_example(transaction: Transaction, example: Example[Any]) -> list[Any]:
    """The rows of an example, after everything that it needs."""
    prepare(transaction, example)
    return transaction.run(example.query, example.params)


def checked(hint: Any) -> Any:
    """A type hint whose TypedDicts, at any depth, are strict and complete for pydantic."""
    if is_typeddict(hint):
        fields = {name: checked(each) for name, each in get_type_hints(hint).items()}
        total = {
            name: each if name in hint.__required_keys__ else typing_extensions.NotRequired[each]
            for name, each in fields.items()
        }
        strict: Any = typing_extensions.TypedDict(hint.__name__, total)  # pyright: ignore[reportArgumentType]
        strict.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
        return strict
    origin, args = get_origin(hint), tuple(checked(each) for each in get_args(hint))
    if origin is None or origin is typing.Literal:
        return hint
    return typing.Union[args] if "Union" in str(origin) else origin[args]  # noqa: UP007 - built from parts


@pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.name)
def test_a_query_has_an_example(query: CypherQuery[Any, Any]) -> None:
    assert query in SCHEMA or query.name in all_examples()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_rows_of_the_declared_shape(example: Example[Any], database: Database) -> None:
    with rolled_back(database) as transaction:
        rows = run_example(transaction, example)
    if example.query.row is NoRow:
        assert rows == []
    else:
        rows_of_the_shape: Any = list[checked(example.query.row)]  # pyright: ignore[reportInvalidTypeForm]
        assert TypeAdapter(rows_of_the_shape).validate_python(rows, strict=True) != []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_without_rows_changes_something(example: Example[Any], database: Database) -> None:
    if example.query.row is not NoRow:
        return
    with rolled_back(database) as transaction:
        prepare(transaction, example)
        result = transaction.driver_transaction.run(example.query.text, example.params)
        assert result.consume().counters.contains_updates
