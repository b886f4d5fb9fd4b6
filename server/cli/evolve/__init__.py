"""``costgraph evolve``: import, score, frontier, select, run, report, prompt; on files or in the service."""

import typer

from server.cli.evolve.frontier import frontier
from server.cli.evolve.importing import import_
from server.cli.evolve.prompt import prompt
from server.cli.evolve.report import report
from server.cli.evolve.run import run
from server.cli.evolve.score import score
from server.cli.evolve.select import select

app = typer.Typer(
    name="evolve",
    no_args_is_help=True,
    help=(
        "Score agents and lineages by what they really cost.\n\n"
        "Each command works on files, with no service (--file), or on an experiment of the service "
        "(--experiment). Unknown cost is never free: who lacks a figure is marked, or left out with a reason."
    ),
)
app.command("import")(import_)
app.command()(score)
app.command()(frontier)
app.command()(select)
app.command()(run)
app.command()(report)
app.command()(prompt)
