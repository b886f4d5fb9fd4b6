"""``costgraph evolve frontier``: who is worth their money."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.evolve import options
from server.cli.evolve.options import ExperimentId, Files, Missing, Plot, Scoring, UnknownCost
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from evolution.figures.frontier import FrontierFigure
    from server.cli.evolve.study import Study


def frontier(
    *,
    file: Files = None,
    experiment: ExperimentId = None,
    missing: Missing = None,
    unknown_cost: UnknownCost = None,
    everybody: Annotated[bool, typer.Option("--all", help="The dominated ones, too.")] = False,
    plot: Plot = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show the frontier of cost and effectiveness: whom nobody beats in both.

    The hull is stricter: whom no mixture of two agents beats, where a part of the work may go to one and
    the rest to another. Agents of unknown cost have no place on it, and are listed apart.

      costgraph evolve frontier --file lineage.jsonl
      costgraph evolve frontier --experiment search --plot frontier.svg
    """
    from evolution.codec import to_json
    from server.cli.evolve.score import heading
    from server.cli.evolve.study import study_of, summary
    from server.cli.show import console

    scoring = Scoring(missing=missing, unknown_cost=unknown_cost)
    with options.explained():
        study = study_of(file, experiment, Where(url, key, data_dir), scoring, referenced=False)
        figure = frontier_of(study)
        written = None if plot is None else save(figure, plot)
    out = console()
    if as_json:
        said = {name: value for name, value in summary(study).items() if name != "referencePrice"}
        out.print_json(data={**said, "frontier": to_json(figure)})
        return
    heading(out, study, referenced=False)
    out.print(frontier_table(figure, everybody=everybody))
    if figure.unplaced:
        out.print(f"[yellow]![/yellow] {len(figure.unplaced):,} agents have no place: cost or score unknown")
    if written is not None:
        out.print(f"wrote {written}", style="dim")


def frontier_of(study: "Study") -> "FrontierFigure":
    """The figure of a study."""
    from evolution.candidates import candidates_of
    from evolution.figures.frontier import frontier_figure
    from server.cli.evolve.score import fitness_in

    intervals = {
        each.agent_id: each.effectiveness_interval
        for each in fitness_in(study)
        if each.effectiveness_interval is not None
    }
    candidates = candidates_of(study.evaluations, study.experiment, study.lineage)
    return frontier_figure(
        candidates,
        study.experiment.currency,
        intervals,
        f"{study.experiment.experiment_id}: cost and effectiveness",
    )


def frontier_table(figure: "FrontierFigure", *, everybody: bool) -> Any:
    """The frontier, the cheapest first; then perhaps who is dominated."""
    from server.cli.evolve.score import ranged
    from server.cli.show import money, table

    shown = table("agent", "mean cost", "effectiveness", "", right={"mean cost", "effectiveness"})
    dominated = sorted(
        (each for each in figure.points if not each.on_frontier), key=lambda each: each.mean_cost
    )
    for each in (*figure.frontier, *(dominated if everybody else ())):
        bounds = None if each.low is None or each.high is None else (each.low, each.high)
        shown.add_row(
            each.agent_id,
            money(f"{each.mean_cost:.9f}", figure.currency, places=6),
            ranged(each.effectiveness, bounds),
            "hull" if each.on_hull else "frontier" if each.on_frontier else "dominated",
            style=None if each.on_frontier else "dim",
        )
    return shown


def save(figure: Any, path: Any) -> Any:
    """Draw a figure into a file, by its ending; the path. Raises ``CliError``, ``NotInstalled``."""
    from evolution.figures.drawing import draw
    from server.cli.errors import MISUSED, CliError

    image = path.suffix.lstrip(".").lower()
    if image not in {"png", "svg"}:
        raise CliError(f"--plot: {path} must end in .png or .svg", MISUSED)
    drawn = draw(figure, image)
    try:
        path.write_bytes(drawn)
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    return path
