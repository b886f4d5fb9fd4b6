"""Every GraphQL text that the command line and the query page send fits the schema."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    coerce_input_value,
    is_input_type,
    parse,
    validate,
)
from graphql.utilities import type_from_ast

import server.cli
from resolvers import build_schema as build
from server.cli.demo import READY_QUERY
from server.cli.status import LAST_SEEN
from server.page import FOLDER

WORDS = ("query ", "mutation ", "fragment ", "{")
EXAMPLES: list[dict[str, Any]] = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))


def documents() -> Iterator[tuple[str, str]]:
    for info in pkgutil.iter_modules(server.cli.__path__):
        module = importlib.import_module(f"server.cli.{info.name}")
        for name, value in vars(module).items():
            whole = isinstance(value, str) and value.lstrip().startswith(WORDS) and "}" in value
            if whole and not value.lstrip().startswith("fragment"):
                yield f"{info.name}.{name}", value
    yield "demo.READY_QUERY as sent", READY_QUERY.replace('\\"', '"')
    yield "status.LAST_SEEN as sent", f"query Seen($a: ID!) {{ {LAST_SEEN.format(name='a')} }}"
    for example in EXAMPLES:
        yield f"example: {example['title']}", example["query"]


DOCUMENTS = {name: text for name, text in documents() if name != "demo.READY_QUERY"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(build().as_str())


def test_the_search_for_texts_finds_them() -> None:
    assert len(DOCUMENTS) >= 20


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_text_fits_the_schema(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(DOCUMENTS[name])) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["title"])
def test_an_examples_variables_fit_too(schema: GraphQLSchema, example: dict[str, Any]) -> None:
    operation = parse(example["query"]).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    declared = {each.variable.name.value: each.type for each in operation.variable_definitions or ()}
    assert set(declared) == set(example.get("variables", {}))
    for name, value in example.get("variables", {}).items():
        wanted = type_from_ast(schema, declared[name])
        assert is_input_type(wanted)
        coerce_input_value(value, wanted)
