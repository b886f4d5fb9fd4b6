"""The schema as it is built, against the contract and against its snapshot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    print_ast,
    print_type,
)

from resolvers.sdl import sdl

ROOT = Path(__file__).parents[2]
SNAPSHOT = ROOT / "schema" / "schema.graphql"
CONTRACT = Path(__file__).with_name("contract.graphql")


def differences(promised: GraphQLNamedType, built: GraphQLNamedType | None) -> Iterator[str]:
    """What of a type is promised and not there, or there in another form."""
    name = promised.name
    if built is None or type(built) is not type(promised):
        yield f"{name}: promised {print_type(promised)}, built {built}"
        return
    match promised, built:
        case GraphQLEnumType(), GraphQLEnumType():
            yield from (f"{name}.{each}" for each in promised.values.keys() - built.values.keys())
        case GraphQLUnionType(), GraphQLUnionType():
            members = {each.name for each in promised.types} - {each.name for each in built.types}
            yield from (f"{name} | {each}" for each in members)
        case (GraphQLObjectType(), GraphQLObjectType()) | (
            GraphQLInputObjectType(),
            GraphQLInputObjectType(),
        ):
            for each, field in promised.fields.items():
                found: Any = built.fields.get(each)
                if found is None or described(field) != described(found):
                    yield f"{name}.{each}: promised {described(field)}, built {found and described(found)}"
                    continue
                for argument, value in getattr(field, "args", {}).items():
                    given = found.args.get(argument)
                    if given is None or described(value) != described(given):
                        yield f"{name}.{each}({argument}): promised {described(value)}"
        case _:
            pass


def described(field: Any) -> tuple[str, str]:
    """The type of a field or argument and its default; a default of null is none."""
    default = getattr(field, "default", None)
    return str(field.type), "null" if default is None else print_ast(default.literal)


def test_the_contract_holds() -> None:
    built = build_schema(sdl())
    promised = build_schema(CONTRACT.read_text(encoding="utf-8"))
    ours = [each for name, each in promised.type_map.items() if not name.startswith("__")]
    assert [line for each in ours for line in differences(each, built.type_map.get(each.name))] == []


def test_a_broken_promise_is_noticed() -> None:
    promised = build_schema(CONTRACT.read_text(encoding="utf-8")).type_map
    changed = (
        sdl().replace("first: Int! = 50, after", "first: Int! = 5, after").replace("CANCELLED", "STOPPED")
    )
    built = build_schema(changed).type_map
    assert list(differences(promised["Query"], built["Query"])) != []
    assert list(differences(promised["Outcome"], built["Outcome"])) == ["Outcome.CANCELLED"]


def test_the_snapshot_is_the_schema() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == sdl(), "run scripts/generate"
