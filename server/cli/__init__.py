"""The command line. Modules here import what they need when a command runs, so that ``--help`` is quick."""

import signal
import sys
from typing import Annotated

import typer

from server.cli import budget, evolve, importing, keys, prices, webhooks
from server.cli.compare import compare
from server.cli.demo import demo
from server.cli.errors import MISUSED, UNREACHABLE, CliError
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
app.add_typer(budget.app)
app.add_typer(prices.app)
app.add_typer(evolve.app)
app.command()(status)
app.command()(verify)
app.command()(quote)
app.command()(explain)
app.command()(compare)
app.command()(reprice)
app.add_typer(keys.app)
app.add_typer(webhooks.app)


@app.callback()
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Options of ``costgraph`` itself."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"costgraph {version_of('costgraph')}")
        raise typer.Exit


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
        from graph.errors import GraphError
        from server.run import NotReady
        from server.settings import SettingsError

        if isinstance(error, SettingsError):
            _end(str(error), MISUSED)
        if isinstance(error, GraphError | NotReady | OSError):
            _end(str(error), UNREACHABLE)
        raise


def _end(message: str, exit_code: int) -> None:
    from server.cli.show import console

    console(stderr=True).print(f"error: {message}", style="red", markup=False, soft_wrap=True)
    sys.exit(exit_code)
