"""Selections of everything that a type has, made from the schema, so that no field is left out.

Of a field that needs an argument nobody can ask everything: those are left to tests of their own.
"""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.support.services import schema

ROOTS = {"query": OperationType.QUERY, "mutation": OperationType.MUTATION}


def root_fields() -> dict[str, str]:
    """Every root field of the schema, and of which kind of operation it is."""
    found: dict[str, str] = {}
    for kind, operation in ROOTS.items():
        root = schema().built.get_root_type(operation)
        assert root is not None
        found |= dict.fromkeys(root.fields, kind)
    return found


def everything(field: str, depth: int = 3) -> str:
    """All that a root field's type has, so many objects deep."""
    root = schema().built.get_root_type(ROOTS[root_fields()[field]])
    assert root is not None
    named = get_named_type(root.fields[field].type)
    return "" if is_leaf_type(named) else _selection(named, depth)


def _selection(named: Any, depth: int) -> str:
    if isinstance(named, GraphQLUnionType):
        members = (f"... on {each.name} {_selection(each, depth)}" for each in named.types)
        return f"{{ __typename {' '.join(members)} }}"
    assert isinstance(named, GraphQLObjectType)
    return f"{{ {' '.join(_fields(named, depth))} }}"


def _fields(named: GraphQLObjectType, depth: int) -> Iterator[str]:
    yield "__typename"
    for name, field in named.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            yield name
        elif depth > 0:
            yield f"{name} {_selection(inner, depth - 1)}"
