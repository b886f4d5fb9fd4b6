"""Rules of style that no linter knows, over every file that git tracks or would track."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cypher import all_queries

ROOT = Path(__file__).parent.parent
ROOMS = {"cypher", "evolution", "graph", "insight", "ledger", "pricing", "resolvers", "schema", "server"}
MODULE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70
# Spelt with brackets, so that this file does not trip over itself.
STRAY_WORDS = re.compile(r"\b(?:(?:TO)DO|(?:FIX)ME|(?:XX)X|(?:HA)CK)\b")
REGISTRIES = re.compile(
    r"(?:py)pi\.org|(?:python)hosted\.org|(?:npm)js\.(?:org|com)|(?:repo)\.maven\.apache\.org"
    r"|(?:maven)\.org|(?:crates)\.io|(?:golang)\.org|(?:deb)\.debian\.org"
)
MACHINE_PATHS = re.compile(rf"(?<![\w}}])/(?:work|root|home/\w+)/(?=\w)|{re.escape(f'{ROOT}/')}")
CYPHER = re.compile(
    r"\b(?:MATCH|MERGE|CREATE)\s*\(|\bUNWIND\s+\$|\b(?:DETACH )?DELETE \w+\b|\bRETURN \w+\.\w+"
)
MONEY = re.compile(r"_nano$|amount|cost|price|spent|charged")


@cache
def files() -> tuple[Path, ...]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(path for name in listing.splitlines() if (path := ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


MODULES = [path for path in files() if path.suffix == ".py"]
ROOM_MODULES = [path for path in MODULES if room_of(path) in ROOMS]


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{at(path, number)}: {line.strip()[:100]}"
        for path in files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def nodes(path: Path, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, kinds))


def test_every_module_says_what_lives_there() -> None:
    assert not [at(path, 1) for path in MODULES if not ast.get_docstring(tree_of(path))]


def test_no_stray_words() -> None:
    assert not lines_matching(STRAY_WORDS)


def test_no_path_of_a_machine() -> None:
    assert not lines_matching(MACHINE_PATHS)


def test_no_host_of_a_package_registry() -> None:
    assert not lines_matching(REGISTRIES)


def test_no_lock_file_with_download_addresses() -> None:
    assert not [path for path in files() if path.name == "uv.lock"]


def test_modules_are_short() -> None:
    long = [
        f"{at(path, count)}"
        for path in MODULES
        if (count := len(text_of(path).splitlines())) > MODULE_LINES_MAX
    ]
    assert not long


def test_functions_are_short() -> None:
    long: list[str] = []
    for path in MODULES:
        for node in nodes(path, ast.FunctionDef, ast.AsyncFunctionDef):
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                long.append(f"{at(path, node.lineno)} {node.name}: {count} lines")
    assert not long


def test_rooms_do_not_print() -> None:
    printing = [
        at(path, node.lineno)
        for path in ROOM_MODULES
        for node in nodes(path, ast.Call)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def constant_text(node: ast.AST) -> str:
    """The fixed parts of a string that is put together: f-string, ``%``, ``+``, ``.format``, ``.join``."""
    return " ".join(
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def is_put_together(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr():
            return any(isinstance(part, ast.FormattedValue) for part in node.values)
        case ast.BinOp(op=ast.Mod() | ast.Add()):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="format" | "join" | "replace")):
            return True
        case _:
            return False


def test_cypher_is_never_put_together() -> None:
    made = {
        at(path, node.lineno)
        for path in MODULES
        for node in nodes(path, ast.JoinedStr, ast.BinOp, ast.Call)
        if isinstance(node, ast.expr) and is_put_together(node) and CYPHER.search(constant_text(node))
    }
    assert not made


def docstrings(path: Path) -> set[int]:
    owners = nodes(path, ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = (
        owner.body for owner in owners if isinstance(owner, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
    return {id(statement.value) for body in bodies for statement in body if isinstance(statement, ast.Expr)}


def test_cypher_lives_in_files_of_its_own() -> None:
    inline = [
        at(path, node.lineno)
        for path in ROOM_MODULES
        for node in nodes(path, ast.Constant)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings(path)
        and CYPHER.search(node.value)
    ]
    assert not inline


def test_every_query_is_asked_by_the_graph_room() -> None:
    graph = [text_of(path) for path in MODULES if room_of(path) == "graph"]
    unasked: list[str] = []
    for query in all_queries():
        aggregate = query.name.split("/")[0]
        declared = vars(importlib.import_module(f"cypher.{aggregate}"))
        names = "|".join(name for name, value in declared.items() if value is query)
        asking = (text for text in graph if re.search(rf"cypher(?:\.| import .*){aggregate}\b", text))
        if not any(re.search(rf"\b(?:{names})\b", text) for text in asking):
            unasked.append(query.name)
    assert not unasked


def annotated(path: Path) -> Iterator[tuple[int, str, ast.expr]]:
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name, node.annotation
            case ast.arg(annotation=ast.expr() as annotation):
                yield node.lineno, node.arg, annotation
            case ast.FunctionDef(returns=ast.expr() as annotation):
                yield node.lineno, node.name, annotation
            case _:
                pass


def test_money_is_never_a_float() -> None:
    # Evolution computes with scores of money in numpy; what it stores and is given ends in _nano too.
    floats = [
        f"{at(path, line)}: {name}"
        for path in ROOM_MODULES
        for line, name, annotation in annotated(path)
        if re.search(r"\bfloat\b", ast.unparse(annotation))
        and MONEY.search(name)
        and (room_of(path) != "evolution" or name.endswith("_nano"))
    ]
    assert not floats


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_mocked(path: Path) -> None:
    imports = list(nodes(path, ast.Import, ast.ImportFrom))
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    assert not [
        name for name in names if name.split(".")[0] in {"mock", "pytest_mock"} or name == "unittest.mock"
    ]


def test_commands_can_be_run() -> None:
    commands = [path for path in files() if room_of(path) in {"scripts", ".ci"} and not path.suffix]
    assert commands
    assert not [at(path, 1) for path in commands if not path.stat().st_mode & 0o111]
    assert not [at(path, 1) for path in commands if not text_of(path).startswith("#!/usr/bin/env bash\n")]
