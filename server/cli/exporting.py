"""``costgraph export``: tables of any length, streamed from the public API to a file or standard output."""

import contextlib
import sys
from collections.abc import Generator, Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from server.cli.errors import CliError
from server.cli.options import DataDir, Key, Url, Where

app = typer.Typer(
    name="export",
    no_args_is_help=True,
    help="Write recorded usage, or what it adds up to, as CSV or JSON lines.",
)

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The file; it appears when it is complete. Default: stdout."),
]
Form = Annotated[str, typer.Option("--format", help="csv or jsonl.", case_sensitive=False)]
From = Annotated[str | None, typer.Option("--from", help="From this instant on, such as 2026-11-01T00:00Z.")]
To = Annotated[str | None, typer.Option("--to", help="Up to this instant, which is not in it.")]


@app.command()
def usage(
    *,
    out: Out = None,
    form: Form = "csv",
    from_: From = None,
    to: To = None,
    budget: Annotated[str | None, typer.Option(help="Charged to this budget or below it.")] = None,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    session: Annotated[str | None, typer.Option(help="Of this session.")] = None,
    user: Annotated[str | None, typer.Option(help="Of this user.")] = None,
    model: Annotated[str | None, typer.Option(help="Of this model.")] = None,
    pricing: Annotated[str | None, typer.Option(help="priced, unpriced or estimated.")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Export recorded usage, newest first: a row per cost entry, with who, what, when and which price.

    The rows are those of one moment, that of the beginning. What was recorded without a price has a row of
    the kind `unpriced`; its price, once there is one, is another row.

      costgraph export usage --from 2026-11-01T00:00Z --to 2026-12-01T00:00Z --out november.csv
      costgraph export usage --budget acme --format jsonl
    """
    said = {
        "format": form,
        "from": from_,
        "to": to,
        "budget_id": budget,
        "agent_id": agent,
        "session_id": session,
        "user_id": user,
        "model_id": model,
        "pricing": pricing,
    }
    _export("/v1/exports/usage", said, out, Where(url, key, data_dir))


@app.command()
def rollups(
    budget: Annotated[str, typer.Argument(help="The budget: all that was charged to it or below it.")],
    *,
    out: Out = None,
    form: Form = "csv",
    from_: From = None,
    to: To = None,
    by: Annotated[
        str | None, typer.Option(help="Dimensions with commas in between, such as agent,model.")
    ] = None,
    granularity: Annotated[str, typer.Option(help="hour, day, week, month, year or total.")] = "day",
    timezone: Annotated[str | None, typer.Option(help="Whose days. Default: the budget's own.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Only what was charged to it directly.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Export what was charged to a budget, by time and by dimensions.

    costgraph export rollups acme --by agent,model --granularity month --out acme.csv
    costgraph export rollups acme --granularity total --by project --format jsonl
    """
    said = {
        "budget_id": budget,
        "format": form,
        "from": from_,
        "to": to,
        "by": by,
        "granularity": granularity,
        "timezone": timezone,
        "include_descendants": "false" if own else None,
    }
    _export("/v1/exports/rollups", said, out, Where(url, key, data_dir))


def _export(path: str, said: dict[str, str | None], out: Path | None, where: Where) -> None:
    from server.cli.api import connected

    params = {name: value for name, value in said.items() if value is not None}
    with connected(where) as api:
        pieces = api.pieces(path, params, _warn)
        first = next(pieces, b"")  # what is refused leaves no file behind
        with _written(out) as file:
            for piece in chain([first], pieces):
                file.write(piece)


def _warn(headers: Mapping[str, str]) -> None:
    """Say what is not in the export."""
    from server.cli.show import note_archived

    note_archived(headers.get("costgraph-archived-until"), "exported")


@contextlib.contextmanager
def _written(out: Path | None) -> Generator[BinaryIO]:
    """Standard output, or a file that gets its name when it is complete."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(out)
    except OSError as error:
        raise CliError(f"{out}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
