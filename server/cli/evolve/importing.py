"""``costgraph evolve import``: archives of others, into the service or into our own format."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import MISUSED, REFUSED, CliError
from server.cli.evolve import options
from server.cli.evolve.options import ReferencePrice, Scoring, Weights
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from evolution.archives.base import Archive, Scale
    from server.cli.evolve.files import Opening

PANEL = "What an archive does not say"


Archives = Annotated[
    list[Path],
    typer.Argument(
        help="Files or folders; several make one study (such as agents.csv and evaluations.csv).",
        allow_dash=True,
    ),
]
Into = Annotated[
    str | None, typer.Option("--experiment", "-e", help="Import into the service under this id.")
]
To = Annotated[Path | None, typer.Option(help="Instead: write JSON lines, which the other commands read.")]
Format = Annotated[
    str | None,
    typer.Option("--format", help="jsonl, csv, openevolve, shinka, mast or run. Default: seen."),
]
ScoreRange = Annotated[
    str | None,
    typer.Option(
        "--score-range",
        help="Which raw scores are 0 and 1, such as 0:2.636; 10:0 where less is better.",
        metavar="LOW:HIGH",
        rich_help_panel=PANEL,
    ),
]
ScoreMetric = Annotated[
    str | None,
    typer.Option(help="openevolve: the metric that is the score.", rich_help_panel=PANEL),
]
CostMetric = Annotated[
    str | None,
    typer.Option(help="openevolve: the metric that is money, in units.", rich_help_panel=PANEL),
]
SecondsMetric = Annotated[
    str | None, typer.Option(help="openevolve: the metric that is seconds.", rich_help_panel=PANEL)
]
PromptRate = Annotated[
    str | None,
    typer.Option(help="mast: a price per million prompt tokens, to estimate.", rich_help_panel=PANEL),
]
CompletionRate = Annotated[
    str | None,
    typer.Option(help="mast: a price per million completion tokens.", rich_help_panel=PANEL),
]
Charge = Annotated[
    str,
    typer.Option(
        help="mast: what that estimate is the cost of: build (writing the program) or evaluate.",
        rich_help_panel=PANEL,
    ),
]
ExistingBudget = Annotated[
    str | None, typer.Option(help="An existing budget that the experiment is. Default: a new one.")
]
Parent = Annotated[str | None, typer.Option(help="The new budget's parent.")]
Amount = Annotated[str | None, typer.Option(help="The new budget's amount: its cap.")]


def import_(
    archive: Archives,
    *,
    experiment: Into = None,
    to: To = None,
    kind: Format = None,
    scale: ScoreRange = None,
    score_metric: ScoreMetric = None,
    cost_metric: CostMetric = None,
    seconds_metric: SecondsMetric = None,
    prompt_rate: PromptRate = None,
    completion_rate: CompletionRate = None,
    charge: Charge = "build",
    weight: Weights = None,
    reference_price: ReferencePrice = None,
    budget: ExistingBudget = None,
    parent: Parent = None,
    amount: Amount = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Import lineages and evaluations: our JSON lines or CSV, openevolve, ShinkaEvolve, MAST.

    An archive is read whole before anything is written; a line that cannot be read is named with its
    field. Running the same import again records nothing twice, so an interrupted one is simply run again.
    Money of an archive is kept as imported: it is in no ledger, and never mixed up with measured cost.

      costgraph evolve import openevolve_output --to lineage.jsonl
      costgraph evolve import evolution_db.sqlite --score-range 0:2.636 --experiment circles
      costgraph evolve import agents.csv evaluations.csv --experiment search --reference-price 0.02
    """
    from server.cli.evolve.files import read_archives
    from server.cli.show import console

    if (experiment is None) == (to is None):
        raise CliError("Say where to: --experiment ID of the service, or --to lineage.jsonl.", MISUSED)
    with options.explained():
        opening = opening_of(
            kind, scale, (score_metric, cost_metric, seconds_metric), (prompt_rate, completion_rate), charge
        )
        found = read_archives(archive, opening)
        scoring = Scoring(weight, reference_price)
        out = console()
        if to is not None:
            said = _written(found, to, scoring)
        else:
            where = Where(url, key, data_dir)
            said = _pushed(found, experiment or "", scoring, where, (budget, amount, parent))
    if as_json:
        out.print_json(data={**said, "notes": list(found.notes)})
    else:
        _show(out, said, found)
    if refused := said.get("refused"):
        raise CliError(f"{refused:,} rows were refused; the others are recorded.", REFUSED)


def opening_of(
    kind: str | None,
    scale: str | None,
    metrics: tuple[str | None, str | None, str | None],
    rates: tuple[str | None, str | None],
    charge: str,
) -> "Opening":
    """What the options say about an archive. Raises ``CliError``."""
    from evolution.archives.base import WHOLE
    from evolution.archives.mast import Rates
    from evolution.records import Role
    from server.cli.evolve.files import Kind, Opening

    if (rates[0] is None) != (rates[1] is None):
        raise CliError("--prompt-rate and --completion-rate go together.", MISUSED)
    known = None
    if rates[0] is not None and rates[1] is not None:
        known = Rates(
            options.decimal(rates[0], "--prompt-rate"), options.decimal(rates[1], "--completion-rate")
        )
    return Opening(
        None if kind is None else options.choice(kind, Kind, "--format"),
        WHOLE if scale is None else scale_of(scale),
        *metrics,
        known,
        options.choice(charge, Role, "--charge"),
    )


def scale_of(text: str) -> "Scale":
    """``LOW:HIGH``."""
    from evolution.archives.base import Scale

    low, _, high = text.partition(":")
    try:
        return Scale(float(low), float(high))
    except ValueError:
        raise CliError(f"--score-range: {text!r} is not LOW:HIGH", MISUSED) from None


def _written(found: "Archive", to: Path, scoring: Scoring) -> dict[str, Any]:
    """Our JSON lines; nothing is there before all of it is."""
    from dataclasses import replace

    from evolution.archives.tables import write_jsonl
    from evolution.lineage import Lineage
    from server.cli.evolve.files import with_id

    Lineage.of(found.nodes)
    name = to.stem[:256] or "study"
    bare = with_id(found.experiment, name) if found.experiment is None else found.experiment
    whole = replace(found, experiment=scoring.of(bare))
    draft = to.with_name(f"{to.name}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in write_jsonl(whole))
        draft.replace(to)
    except OSError as error:
        raise CliError(f"{to}: {error.strerror or error}") from None
    return {"file": str(to), "agents": len(found.nodes), "evaluations": len(found.evaluations)}


def _pushed(
    found: "Archive",
    experiment_id: str,
    scoring: Scoring,
    where: Where,
    money: tuple[str | None, str | None, str | None],
) -> dict[str, Any]:
    from evolution.lineage import Lineage
    from evolution.records import AgentNode
    from evolution.totals import distinct
    from server.cli.api import connected
    from server.cli.evolve.files import with_id
    from server.cli.evolve.service import create, patiently, push

    experiment = scoring.of(with_id(found.experiment, experiment_id))
    evaluations = distinct(found.evaluations)
    known = {node.agent_id for node in found.nodes}
    strangers = sorted({each.agent_id for each in evaluations} - known)
    lineage = Lineage.of([*found.nodes, *(AgentNode(name) for name in strangers)])
    total = len(lineage.nodes) + len(evaluations)
    with connected(where) as api, _progress(experiment_id, total) as (far, waiting):
        patiently(lambda: create(api, experiment, *money) or {}, waiting)
        done = push(api, experiment, lineage, evaluations, far, waiting)
    return {"experiment": experiment_id, "agents": len(lineage.nodes), **done.as_json()}


def _show(out: Any, said: dict[str, Any], found: "Archive") -> None:
    for note in found.notes:
        out.print(f"[yellow]![/yellow] {note}")
    if "file" in said:
        counts = f"{said['agents']:,} agents and {said['evaluations']:,} evaluations"
        out.print(f"[bold]{counts}[/bold] written to {said['file']}")
        return
    for what in ("agents", "evaluations"):
        out.print(
            f"[bold]{what}[/bold]: {said['recorded'][what]:,} recorded, "
            f"{said['alreadyThere'][what]:,} already there"
        )
    for refusal in said["refusals"]:
        out.print(refusal, style="red", markup=False)
    if (more := said["refused"] - len(said["refusals"])) > 0:
        out.print(f"… and {more:,} more", style="red")


@contextlib.contextmanager
def _progress(name: str, total: int) -> Generator[tuple[Any, Any]]:
    """A bar over agents and evaluations; nothing where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from server.cli.show import console

    screen = console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as shown:
        task = shown.add_task(name, total=total)

        def waiting(why: str) -> None:
            shown.console.print(f"waiting: {why}", style="yellow", markup=False)

        def far(rows: int) -> None:
            shown.advance(task, rows)

        yield far, waiting
