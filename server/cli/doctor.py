"""``costgraph doctor``: is everything as it should be, and what to do where it is not."""

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli.errors import CliError
from server.cli.options import DataDir, Json

if TYPE_CHECKING:
    from graph.engines import Connection
    from server.settings import Settings
    from server.shadows import Finding

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


def doctor(
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Examine the installation: imports, prices, folder, disk, engine, migrations, clock.

    Changes nothing. Exits with 1 where something keeps Costgraph from its work; a warning does not.

      costgraph doctor
      NEO4J_URI=bolt://db:7687 NEO4J_PASSWORD=… costgraph doctor
    """
    from server.cli.show import console
    from server.shadows import State, imports

    findings = [imports()]
    if findings[0].state is State.OK:  # else nothing else can be imported
        findings += _examined(data_dir)
    out = console()
    if as_json:
        out.print_json(data=[asdict(each) for each in findings])
    else:
        for each in findings:
            sign, style = SIGNS[each.state]
            out.print(f"{sign} {each.check:<11}", style=style, end="")
            out.print(f"{each.found}", markup=False)
            if each.next_step:
                out.print(f"  → {each.next_step}", markup=False)
    failed = sum(each.state is State.FAILED for each in findings)
    if failed:
        raise CliError(f"{failed} of {len(findings)} checks failed.")


def _examined(data_dir: Path | None) -> "list[Finding]":
    from server.doctor import examine
    from server.settings import load_settings

    settings = load_settings(data_dir=data_dir)
    with contextlib.ExitStack() as stack:
        return list(examine(settings, _connection(settings, stack)))


def _connection(settings: "Settings", stack: contextlib.ExitStack) -> "Connection | None":
    """The Neo4j, else the engine of the folder, running or opened meanwhile; None without a graph."""
    from graph.engines import open_engine
    from graph.engines.embedded import has_graph, running_engine

    if settings.neo4j is not None:
        return settings.neo4j
    running = running_engine(settings.data_dir) if settings.data_dir.is_dir() else None
    if running is None and has_graph(settings.data_dir):
        running = stack.enter_context(open_engine(settings.data_dir))
    return running
