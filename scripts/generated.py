"""The files and README blocks that code decides, and how each is made (`scripts/generate` runs this)."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

Maker = tuple[str, Callable[[], str]]
"""The room's file that decides a text, and what makes the text of it."""


def sdl() -> str:
    """The GraphQL schema as it is built, in SDL."""
    from resolvers import build_schema  # noqa: PLC0415 -- only this text needs the whole schema

    return build_schema().as_str() + "\n"


def settings_table() -> str:
    """One Markdown row per setting: variable, default, meaning."""
    from server.settings import Settings, variable_of  # noqa: PLC0415 -- as above

    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{variable_of(name)}` | {default} | {field.description or ''} |")
    return "\n".join(rows)


def commands_table() -> str:
    """One Markdown row per command, in the order in which the CLI shows them."""
    rows = ["| command | what it does |", "| --- | --- |"]
    rows += [f"| `costgraph {path}` | {summary} |" for path, summary in commands()]
    return "\n".join(rows)


def cli_page() -> str:
    """docs/cli.md: every command with the help that it prints."""
    from typer.testing import CliRunner  # noqa: PLC0415 -- as above

    from server.cli import app  # noqa: PLC0415 -- as above

    parts = ["# The command line", "Written by `scripts/generate` from the commands' own help."]
    for path, _ in commands():
        shown = CliRunner().invoke(app, [*path.split(), "--help"])
        text = "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
        parts += [f"## costgraph {path}", f"```text\n{text}\n```"]
    return "\n\n".join(parts) + "\n"


def commands() -> list[tuple[str, str]]:
    """Each leaf command of the CLI, in its order: its words and its one-line summary."""
    from typer.main import get_command  # noqa: PLC0415 -- as above

    from server.cli import app  # noqa: PLC0415 -- as above

    found: list[tuple[str, str]] = []
    open_ends: list[tuple[str, Any]] = [("", get_command(app))]
    while open_ends:
        path, command = open_ends.pop(0)
        children: dict[str, Any] = getattr(command, "commands", {})
        if children:
            open_ends[:0] = [(f"{path} {name}".strip(), child) for name, child in children.items()]
        else:
            found.append((path, command.get_short_help_str(100)))
    return found


def openapi_document() -> str:
    """The REST part as OpenAPI."""
    from importlib.metadata import version  # noqa: PLC0415 -- as above

    from server.openapi import openapi  # noqa: PLC0415 -- as above

    return openapi(version("costgraph"))


FILES: dict[str, Maker] = {
    "schema/schema.graphql": ("resolvers/build.py", sdl),
    "docs/cli.md": ("server/cli/__init__.py", cli_page),
    "server/openapi/openapi.json": ("server/openapi/__init__.py", openapi_document),
}
"""Whole files."""

BLOCKS: dict[str, Maker] = {
    "settings": ("server/settings.py", settings_table),
    "commands": ("server/cli/__init__.py", commands_table),
}
"""Blocks of README.md, between `<!-- generated: NAME -->` and `<!-- /generated -->`."""


def wanted() -> Iterator[tuple[Path, str]]:
    """Every generated file with the content it should have now."""
    for name, (needs, make) in FILES.items():
        if (ROOT / needs).exists():
            yield ROOT / name, make()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, (needs, make) in BLOCKS.items():
        if (ROOT / needs).exists():
            block = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- /generated -->)", re.DOTALL)
            body = make()
            text, count = block.subn(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)
            if count != 1:
                raise SystemExit(f"README.md: {count} blocks named {name}, expected 1")
    yield readme, text


def main() -> None:
    """Write what is stale, or with ``--check`` name it and fail."""
    # Help is drawn the same on every terminal and in CI; typer reads these when it is imported.
    os.environ |= {"TERMINAL_WIDTH": "100", "_TYPER_FORCE_DISABLE_TERMINAL": "1", "NO_COLOR": "1"}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    stale = False
    for path, text in wanted():
        name = path.relative_to(ROOT)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if check:
            sys.stderr.write(f"stale: {name}\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stderr.write(f"wrote {name}\n")
    if check and stale:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
