"""The options that commands share: which server, with which key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

PANEL = "Which server"

Url = Annotated[
    str | None,
    typer.Option(
        envvar="COSTGRAPH_URL",
        help="Base URL of a running server. Default: the one that owns the data folder.",
        rich_help_panel=PANEL,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="COSTGRAPH_KEY",
        help="API key. Default: COSTGRAPH_ADMIN_KEY, or admin.key in the data folder.",
        rich_help_panel=PANEL,
        show_envvar=True,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(envvar="COSTGRAPH_DATA_DIR", help="Folder of the embedded engine.", rich_help_panel=PANEL),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True, slots=True)
class Where:
    """The three options together."""

    url: str | None
    key: str | None
    data_dir: Path | None
