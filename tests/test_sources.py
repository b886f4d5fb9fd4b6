"""docs/sources.md against what exists: the names on our side, and the source documents where they are."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema

from cypher import all_queries
from ledger import events
from scripts import generated

ROOT = Path(__file__).parent.parent
SEEDS = ROOT.parent / "shared" / "seeds"
STATUSES = re.compile(r"done in step [1-6]|step [1-6]|later|not taken")
KINDS = re.compile(
    r"[a-z_]+(?:\.[a-z_0-9]+)+:\w+"
    r"|GraphQL \w+(?:\.\w+)?"
    r"|REST (?:GET|POST|PUT|DELETE) /\S+"
    r"|node \w+(?:\.\w+)?"
    r"|edge [A-Z_]+"
    r"|event [a-z.]+"
    r"|CLI [a-z ]+"
)
# How the five documents introduce a name, in code blocks of Rust, Python, TypeScript, JSON, TOML and Cypher.
INTRODUCTIONS = [
    r"^\s*(?:pub(?:\(\w+\))? )?(?:async )?fn (\w+)",
    r"^\s*(?:pub )?(?:struct|enum) (\w+)",
    r"^(?:export )?(?:function|const) (\w+)\b",
    r"^pub const ([A-Z_]+):",
    r"^class (\w+)",
    r"^\s+(?:async )?def (\w+)",
    r"^    (?:pub )?([a-z_0-9]+): [^=(]*(?:$|=|,|#|\s*//)",
    r"^    ([A-Z]\w+)(?: \{|,|\((?=#))",
    r"^\(:(\w+) \{",
    r"\[:(\w+)\]",
    r"^##### (\w+)",
    r"\b(?:budget_tracker|pricing_engine|monitor|tracker|engine|token_tracker)\.(\w+)\(",
    r'^ {2}"(\w+)": ',
    r"^(?:GET|POST)\s+(\S+)",
    r'\.route\("([^"]+)"',
    r'= "((?:budget|cost)\.\w+)"',
    r'^        "(\w+\.\w+)" =>',
    r"^(max_\w+) =",
]
NOT_THEIRS = {"Json"}
"""What looks introduced but is imported."""


@dataclass(frozen=True)
class Row:
    """One line of the tables."""

    file: str
    line: int
    name: str
    ours: tuple[str, ...]
    status: str


def rows() -> Iterator[Row]:
    for text in (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| \d{3}:", text):
            cells = [cell.strip() for cell in text.strip("|").split("|")]
            assert len(cells) == 5, f"not five cells: {text}"
            place, name, ours, status, _ = cells
            file, line = place.split(":")
            yield Row(file, int(line), name, tuple(re.findall(r"`([^`]+)`", ours)), status)


ROWS = list(rows())
DONE = sorted({item for row in ROWS if row.status.startswith("done") for item in row.ours})


def test_every_row_is_well_formed() -> None:
    assert len(ROWS) > 200
    for row in ROWS:
        assert STATUSES.fullmatch(row.status), row
        assert all(KINDS.fullmatch(item) for item in row.ours), row
        assert row.ours or not row.status.startswith("done"), f"done, but under which name? {row}"


@cache
def sdl() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


@cache
def cypher_texts() -> str:
    return "\n".join(query.text for query in all_queries())


def exists_in_python(module: str, symbol: str) -> bool:
    return hasattr(importlib.import_module(module), symbol)


def exists_in_graphql(name: str) -> bool:
    owner, _, member = name.partition(".")
    found = sdl().get_type(owner)
    if isinstance(found, GraphQLObjectType | GraphQLInputObjectType):
        return not member or member in found.fields
    if isinstance(found, GraphQLEnumType):
        return not member or member in found.values
    return found is not None and not member


def exists_in_graph(name: str) -> bool:
    label, _, key = name.partition(".")
    # Stores hand whole property maps to some statements: there the key is a word of the graph room.
    written = rf"\.{key}\b|\b{key}:|\"{key}\":"
    return bool(
        re.search(rf":{label}\b", cypher_texts())
        and (not key or re.search(written, cypher_texts() + sources_of("graph")))
    )


def exists_as_route(method: str, path: str) -> bool:
    # What the documents call {id} may be {budget_id:path} in the code.
    pattern = "[^}]+".join(re.escape(part) for part in re.split(r"(?<=\{)[^}]+", path))
    declared = rf"\.(?:open|guarded)\(\s*\"{method}\",\s*\"{pattern}\""
    return re.search(declared, sources_of("server")) is not None


def exists_as_command(words: str) -> bool:
    return any(path == words for path, _ in generated.commands())


def exists_as_event(name: str) -> bool:
    return name in vars(events).values()


@cache
def sources_of(room: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / room).rglob("*.py")))


@pytest.mark.parametrize("item", DONE)
def test_what_is_marked_done_exists_under_its_name(item: str) -> None:
    kind, _, name = item.partition(" ")
    match kind:
        case "GraphQL":
            assert exists_in_graphql(name)
        case "REST":
            assert exists_as_route(*name.split(" ", 1))
        case "node":
            assert exists_in_graph(name)
        case "edge":
            assert re.search(rf":{name}\b", cypher_texts())
        case "event":
            assert exists_as_event(name)
        case "CLI":
            assert exists_as_command(name)
        case _:
            assert exists_in_python(*item.split(":"))


def seed(file: str) -> list[str]:
    found = list(SEEDS.glob(f"{file}_*.txt"))
    if not found:
        pytest.skip(f"the source document {file} does not lie beside the project")
    return found[0].read_text(encoding="utf-8", errors="replace").splitlines()


def names_in(lines: list[str]) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, text in enumerate(lines, 1):
        if text.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or text.startswith("#####"):
            for pattern in INTRODUCTIONS:
                for match in re.finditer(pattern, text):
                    if match[1] not in NOT_THEIRS:
                        yield number, match[1]


@pytest.mark.parametrize("file", ["000", "001", "002", "003", "004"])
def test_every_name_of_a_source_document_is_listed(file: str) -> None:
    listed = {
        word for row in ROWS if row.file == file for word in re.findall(r"[\w/{}]+(?:\.\w+)*|\w+", row.name)
    }
    listed |= {word for item in set(listed) for word in re.split(r"\W", item)}
    missing = [f"{file}:{number} {name}" for number, name in names_in(seed(file)) if name not in listed]
    assert not missing


@pytest.mark.parametrize("file", ["000", "001", "002", "003", "004"])
def test_every_row_points_at_the_line_that_it_names(file: str) -> None:
    lines = seed(file)
    for row in (row for row in ROWS if row.file == file):
        nearby = " ".join(lines[row.line - 1 : row.line + 2]).lower()
        words = re.findall(r"[a-z]{2,}", row.name.replace("_", " ").lower())
        assert any(word in nearby for word in words), f"{row} is not at {nearby!r}"
