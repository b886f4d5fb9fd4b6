"""The command line. Modules here import what they need when a command runs, so that ``--help`` is quick."""

import signal
import sys
from typing import Annotated

import typer

from server.cli import (
    agreements,
    archive,
    budget,
    evolve,
    exporting,
    importing,
    keys,
    override,
    price_sources,
    webhooks,
)
from server.cli.agreements import costs
from server.cli.audit import audit
from server.cli.backup import backup, restore
from server.cli.compare import compare
from server.cli.demo import demo
from server.cli.doctor import doctor
from server.cli.errors import MISUSED, REFUSED, UNREACHABLE, CliError
from server.cli.estimate import anomalies, estimate
from server.cli.explain import explain, quote
from server.cli.reprice import reprice
from server.cli.serve import serve
from server.cli.status import status
from server.cli.verify import verify

app = typer.Typer(
    name="costgraph",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "What every agent costs, and who pays for it.\n\n"
        "Commands talk to the running server: the one of --url, else the one that owns the data folder. "
        "Where none runs, a command opens the graph itself for as long as it takes.\n\n"
        "Exit codes: 0 done, 1 refused or something was found, 2 misused, 3 server or engine out of reach."
    ),
)
app.command()(serve)
app.command()(demo)
app.add_typer(importing.app)
app.add_typer(exporting.app)
app.add_typer(budget.app)
app.add_typer(override.app)
app.add_typer(price_sources.app)  # `prices`, with the commands about their sources
app.add_typer(agreements.app)
app.add_typer(evolve.app)
app.command()(status)
app.command()(verify)
app.command()(audit)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.add_typer(archive.app)
app.command()(quote)
app.command()(estimate)
app.command()(anomalies)
app.command()(explain)
app.command()(costs)
app.command()(compare)
app.command()(reprice)
app.add_typer(keys.app)
app.add_typer(webhooks.app)


def print_version(wanted: bool) -> None:
    """Print the version and end, where that was asked for."""
    if wanted:
        from importlib.metadata import version as version_of

        typer.echo(f"costgraph {version_of('costgraph')}")
        raise typer.Exit


@app.callback()
def version_option(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of ``costgraph`` itself."""


def main() -> None:
    """Run the command line; errors that have an explanation end with it, without a trace."""
    # As Ctrl-C does, SIGTERM unwinds: an engine that a command runs is stopped, a temporary folder removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app()
    except CliError as error:
        _end(error.message, error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nothing to say to it
        sys.exit(1)
    except Exception as error:
        from graph.errors import BackupFailed, GraphError
        from server.run import NotReady
        from server.settings import SettingsError

        if isinstance(error, SettingsError):
            _end(str(error), MISUSED)
        if isinstance(error, BackupFailed):
            _end(str(error), REFUSED)
        if isinstance(error, GraphError | NotReady | OSError):
            _end(str(error), UNREACHABLE)
        raise


def _end(message: str, exit_code: int) -> None:
    from server.cli.show import console

    console(stderr=True).print(f"error: {message}", style="red", markup=False, soft_wrap=True)
    sys.exit(exit_code)
