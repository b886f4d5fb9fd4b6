"""The documentation against what it documents: commands, links, GraphQL, generated parts."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from typer.testing import CliRunner

from ledger.reservations import ReserveInput
from ledger.usage import Usage, parse_usage

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = [path for path in sorted((ROOT / "scripts").iterdir()) if path.is_file() and not path.suffix]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> Iterator[str]:
    yield from re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command of ours in a page's bash blocks, comments and options left out."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = re.sub(r"\s#.*", "", line).split()
            if words and re.match(r"scripts/|(?:\.venv/bin/)?costgraph$", words[0]):
                yield words


SHOWN = sorted({" ".join(words) for page in PAGES for words in commands(page)})


def test_the_pages_show_commands() -> None:
    assert {"scripts/demo", "scripts/test"} <= set(SHOWN)


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_that_a_page_shows_exists(command: str) -> None:
    program, *words = command.split()
    if program.startswith("scripts/"):
        assert (ROOT / program).stat().st_mode & 0o111
        return
    from server.cli import app  # noqa: PLC0415

    path = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    # Arguments may follow a command's words: the longest prefix that is a command must not be empty.
    results = [
        CliRunner().invoke(app, [*path[:count], "--help"]).exit_code for count in range(1, len(path) + 1)
    ]
    assert results[0] == 0, f"no such command: costgraph {' '.join(path)}"


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_every_script_explains_itself_without_setting_anything_up(script: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [script, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) >= 3
    assert name_of(script) in run.stdout


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file) if file else page
        assert found.exists(), f"{name_of(page)} links to {target}"
        assert not anchor or anchor in anchors(found), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("example", [block for page in PAGES for block in blocks(page, "graphql")])
def test_every_graphql_example_is_valid(example: str) -> None:
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))
    assert not validate(schema, parse(example))


def test_the_calls_that_the_readme_makes_are_valid() -> None:
    bodies = re.findall(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    usage, reservation = (json.loads(body) for body in bodies)
    assert isinstance(parse_usage(usage), Usage)
    assert ReserveInput.model_validate(reservation).budget_id == "acme"


def test_generated_parts_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generated.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert re.search(r"^## Unreleased$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
