"""``costgraph evolve report``: a study as a folder that can be sent to somebody."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.evolve import options
from server.cli.evolve.options import (
    Aggregate,
    ExperimentId,
    Files,
    Missing,
    Normalisation,
    ReferencePrice,
    Scoring,
    UnknownCost,
    Weights,
)
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from server.cli.evolve.study import Study

SHOWN = 20


def report(
    *,
    file: Files = None,
    experiment: ExperimentId = None,
    out: Annotated[Path, typer.Option(help="The folder; it is made where it is missing.")] = Path("report"),
    image: Annotated[str, typer.Option("--format", help="png or svg.")] = "png",
    plots: Annotated[bool, typer.Option(help="Draw figures (needs the extra: costgraph[plots]).")] = True,
    weight: Weights = None,
    reference_price: ReferencePrice = None,
    aggregate: Aggregate = None,
    normalisation: Normalisation = None,
    missing: Missing = None,
    unknown_cost: UnknownCost = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Write a report: scores, clades, spend, Price equation, diversity, and three figures.

    report.json holds all of it, report.md what a reader wants first; frontier, lineage and spend are
    pictures, with their data in report.json. --json prints report.json instead of writing anything.

      costgraph evolve report --file lineage.jsonl --out report
      costgraph evolve report --experiment search --out report --format svg
    """
    from server.cli.evolve.study import study_of
    from server.cli.show import console

    if image not in {"png", "svg"}:
        raise CliError(f"--format: {image} is none of png, svg", MISUSED)
    scoring = Scoring(weight, reference_price, aggregate, normalisation, missing, unknown_cost)
    screen = console()
    with options.explained():
        study = study_of(file, experiment, Where(url, key, data_dir), scoring)
        figures = figures_of(study)
        found = contents(study, figures)
        if as_json:
            screen.print_json(data=found)
            return
        drawn = {name: _drawn(figure, image) for name, figure in figures.items()} if plots else {}
        written = _write(out, found, markdown(study, found, drawn, image), drawn, image)
    for path in written:
        screen.print(f"wrote {path}")


def figures_of(study: "Study") -> dict[str, Any]:
    """The three figures by name."""
    from evolution.figures.spend import spend_figure
    from evolution.figures.tree import tree_figure
    from server.cli.evolve.frontier import frontier_of
    from server.cli.evolve.score import fitness_in

    name = study.experiment.experiment_id
    fitness = {each.agent_id: each for each in fitness_in(study)}
    values = {agent: each.dimensions.cost_efficiency for agent, each in fitness.items()}
    failed = frozenset(agent for agent, each in fitness.items() if each.trials and not each.successes)
    value_name = "cost efficiency"
    if all(value is None for value in values.values()):
        # A lineage without any cost: what it achieved is still worth a picture, named as what it is.
        values = {agent: each.dimensions.effectiveness for agent, each in fitness.items()}
        value_name = "effectiveness"
    return {
        "frontier": frontier_of(study),
        "lineage": tree_figure(
            study.lineage,
            values,
            failed=failed,
            value_name=value_name,
            title=f"{name}: lineage by {value_name}",
        ),
        "spend": spend_figure(
            study.lineage, study.evaluations, study.experiment.currency, f"{name}: spend per generation"
        ),
    }


def contents(study: "Study", figures: dict[str, Any]) -> dict[str, Any]:
    """Everything, as JSON."""
    from evolution.clades import clade_report
    from evolution.codec import to_json
    from evolution.diversity import diversity
    from evolution.paths import levels
    from evolution.price import price_by_generation
    from evolution.totals import totals_of
    from server.cli.evolve.score import fitness_in, fitness_json, ranked, stable
    from server.cli.evolve.study import summary

    fitness = ranked(fitness_in(study), "fitness")
    clades = clade_report(study.lineage, study.evaluations, study.experiment)
    known = levels(totals_of(study.evaluations, study.experiment, study.lineage.ids))
    prices = price_by_generation(study.lineage, {name: each.total for name, each in known.items()})
    return {
        **summary(study),
        "fitness": [fitness_json(each) for each in fitness],
        "stability": stable(study),
        "clades": to_json(clades),
        "price": {str(generation): to_json(terms) for generation, terms in prices.items()},
        "diversity": to_json(diversity(study.lineage)),
        "figures": {name: to_json(figure) for name, figure in figures.items()},
    }


def markdown(study: "Study", found: dict[str, Any], drawn: dict[str, bytes], image: str) -> str:
    """What a reader wants first."""
    from pricing.money import format_nano

    currency = study.experiment.currency
    clades = found["clades"]
    parts = [
        f"# {study.experiment.experiment_id}",
        f"{found['agents']:,} agents, {found['evaluations']:,} evaluations. Building and evaluating all of "
        f"them cost {format_nano(clades['tree_cost_nano'])} {currency}"
        + (
            f", beside {clades['unknown_costs']:,} costs that nobody knows."
            if clades["unknown_costs"]
            else "."
        ),
    ]
    if found["referencePrice"] is not None:
        parts.append(f"Reference price of one success: {found['referencePrice']} {currency}.")
    parts += [f"- {note}" for note in study.notes]
    parts += ["## Fitness", _fitness_lines(found["fitness"][:SHOWN], currency)]
    if len(found["fitness"]) > SHOWN:
        parts.append(f"… and {len(found['fitness']) - SHOWN:,} more in report.json.")
    if found["price"]:
        parts += ["## Price equation on ln cost of pass", _price_lines(found["price"])]
    parts += [f"![{name}]({name}.{image})" for name in drawn]
    return "\n\n".join(parts) + "\n"


def _fitness_lines(rows: list[dict[str, Any]], currency: str) -> str:
    lines = [
        f"| agent | fitness | effectiveness | cost efficiency | cost of pass ({currency}) | n |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        marked = "*" if row["incomplete"] else ""
        numbers = (_number(row[name]) for name in ("fitness", "effectiveness", "costEfficiency"))
        price = row["costOfPass"] or "?"
        lines.append(f"| {row['agentId']}{marked} | {' | '.join(numbers)} | {price} | {row['trials']} |")
    return "\n".join(lines)


def _price_lines(prices: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| generation | change | selection | transmission | parents |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for generation, each in prices.items():
        parts = " | ".join(f"{each[name]:+.4f}" for name in ("change", "selection", "transmission"))
        lines.append(f"| {generation} | {parts} | {each['parents']} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"


def _drawn(figure: Any, image: Any) -> bytes:
    from evolution.figures.drawing import draw

    return draw(figure, image)


def _write(out: Path, found: dict[str, Any], text: str, drawn: dict[str, bytes], image: str) -> list[Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = {
            "report.json": (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode(),
            "report.md": text.encode(),
            **{f"{name}.{image}": content for name, content in drawn.items()},
        }
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise CliError(f"{out}: {error.strerror or error}") from None
    return [out / name for name in files]
