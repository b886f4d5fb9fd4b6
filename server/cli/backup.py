"""``costgraph backup`` and ``costgraph restore``: the embedded engine's graph as one file."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.options import DataDir

MEBIBYTE = 2**20


def backup(
    to: Annotated[
        Path | None, typer.Argument(help="The file. Default: costgraph-TIME.zip here.", metavar="[FILE]")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Back up the embedded engine's graph, while its server goes on.

    Everything that was acknowledged before it began is in it. Keep the file as you keep the graph: it holds
    all of it, keys as their hashes. A Neo4j is backed up with Neo4j's own tools (docs/operations.md).

      costgraph backup
      costgraph backup /backups/monday.zip --data-dir ./graph
    """
    from graph.engines import open_engine
    from graph.engines.backup import back_up
    from graph.engines.embedded import has_graph, running_engine
    from server.cli.show import console
    from server.settings import load_settings

    settings = load_settings(data_dir=data_dir)
    _embedded_only(settings.neo4j_uri)
    if not has_graph(settings.data_dir):
        raise CliError(f"{settings.data_dir} holds no graph.", MISUSED)
    path = to or Path(f"costgraph-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")
    with contextlib.ExitStack() as stack:
        if running_engine(settings.data_dir) is None:
            stack.enter_context(open_engine(settings.data_dir))
        made = back_up(settings.data_dir, path)
    console().print(f"wrote {made.path} ({made.size_bytes / MEBIBYTE:,.1f} MiB)")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `costgraph backup` wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Restore a backup into a data folder that has no graph yet.

    Keys of the backup work as before; the first admin key is the new folder's own, written when a server
    starts on it.

      costgraph restore monday.zip --data-dir ./restored
      costgraph verify --data-dir ./restored
    """
    from graph.engines.backup import restore as unpack
    from server.cli.show import console
    from server.settings import load_settings

    settings = load_settings(data_dir=data_dir)
    _embedded_only(settings.neo4j_uri)
    size = unpack(file, settings.data_dir)
    console().print(f"restored {size / MEBIBYTE:,.1f} MiB into {settings.data_dir}")
    console().print("Look at its books: costgraph verify", style="dim")


def _embedded_only(neo4j_uri: str | None) -> None:
    if neo4j_uri is not None:
        raise CliError(
            "NEO4J_URI is set: back that Neo4j up with neo4j-admin database dump or backup, as "
            "docs/operations.md says. This command is for the embedded engine.",
            MISUSED,
        )
