"""``costgraph evolve score``: the fitness of every agent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.evolve import options
from server.cli.evolve.options import (
    Aggregate,
    EfficiencyBy,
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
    from evolution.scoring import AgentFitness
    from server.cli.evolve.study import Study

SORTS = ("fitness", "effectiveness", "efficiency", "cost_efficiency", "cost_of_pass", "agent")


def score(
    *,
    file: Files = None,
    experiment: ExperimentId = None,
    weight: Weights = None,
    reference_price: ReferencePrice = None,
    aggregate: Aggregate = None,
    normalisation: Normalisation = None,
    missing: Missing = None,
    unknown_cost: UnknownCost = None,
    efficiency_by: EfficiencyBy = None,
    sort: Annotated[str, typer.Option(help=f"By {', '.join(SORTS)}; the best first.")] = "fitness",
    top: Annotated[int, typer.Option(help="Show so many agents (JSON has all).", min=1)] = 20,
    stability: Annotated[
        bool, typer.Option("--stability", help="Does the order depend on how cost is normalised?")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Score every agent: effectiveness, efficiency, cost efficiency, with intervals, and their aggregate.

    Cost efficiency is c0 / (c0 + cost of pass): 0.5 at the reference price, 0.667 at half of it. Failures
    cost too. "?" is unknown; "*" marks an agent of whom something that counts is not known.

      costgraph evolve score --file lineage.jsonl
      costgraph evolve score --file lineage.csv --file evaluations.csv --reference-price 0.02 --top 50
      costgraph evolve score --experiment search --weight cost_efficiency=0.6 --json
    """
    from server.cli.evolve.study import study_of, summary
    from server.cli.show import console

    if sort not in SORTS:
        raise CliError(f"--sort: {sort} is none of {', '.join(SORTS)}", MISUSED)
    scoring = Scoring(weight, reference_price, aggregate, normalisation, missing, unknown_cost, efficiency_by)
    with options.explained():
        study = study_of(file, experiment, Where(url, key, data_dir), scoring)
        found = ranked(fitness_in(study), sort)
        agreement = stable(study) if stability else None
    out = console()
    if as_json:
        said = {**summary(study), "fitness": [fitness_json(each) for each in found]}
        out.print_json(data=said if agreement is None else {**said, "stability": agreement})
        return
    heading(out, study)
    out.print(fitness_table(found[:top], study))
    if (more := len(found) - top) > 0:
        out.print(f"… and {more:,} more (--top, --json)", style="dim")
    for pair in agreement or ():
        tau = "?" if pair["tau"] is None else f"{pair['tau']:.3f}"
        out.print(
            f"{pair['left']} and {pair['right']}: Kendall's tau {tau}, top shared {pair['topOverlap']:.0%}"
        )


def fitness_in(study: "Study") -> "list[AgentFitness]":
    """Of everybody in the lineage, evaluated or not."""
    from evolution import scoring

    return scoring.score(study.evaluations, study.experiment, study.lineage.ids)


def ranked(found: "Sequence[AgentFitness]", sort: str) -> "list[AgentFitness]":
    """The best first; unknown last, whatever is asked for; ties by id."""

    def key(each: "AgentFitness") -> tuple[bool, float, str]:
        match sort:
            case "agent":
                return (False, 0.0, each.agent_id)
            case "fitness":
                value = each.overall.value
            case "cost_of_pass":
                value = None if each.cost_of_pass is None else -each.cost_of_pass
            case _:
                value = getattr(each.dimensions, sort)
        return (value is None, -(value or 0.0), each.agent_id)

    return sorted(found, key=key)


def stable(study: "Study") -> list[dict[str, Any]]:
    """Kendall's tau and the shared top of every two normalisations."""
    from evolution.stability import rank_stability

    return [
        {"left": pair.left, "right": pair.right, "tau": pair.tau, "topOverlap": pair.top_overlap}
        for pair in rank_stability(study.evaluations, study.experiment).pairs
    ]


def fitness_json(each: "AgentFitness") -> dict[str, Any]:
    """One agent; money as exact text (a cost of pass rounded to nine places)."""
    from pricing.money import format_nano

    pass_nano = each.cost_of_pass
    return {
        "agentId": each.agent_id,
        "fitness": each.overall.value,
        "weights": dict(each.overall.weights),
        "effectiveness": each.dimensions.effectiveness,
        "effectivenessInterval": each.effectiveness_interval,
        "efficiency": each.dimensions.efficiency,
        "efficiencyInterval": each.efficiency_interval,
        "costEfficiency": each.dimensions.cost_efficiency,
        "costEfficiencyInterval": each.cost_efficiency_interval,
        "costOfPass": None if pass_nano is None else format_nano(round(pass_nano)),
        "cost": format_nano(each.cost_nano),
        "trials": each.trials,
        "successes": each.successes,
        "missing": each.missing,
        "unknownCosts": each.unknown_costs,
        "incomplete": each.incomplete,
    }


def heading(out: Any, study: "Study", *, referenced: bool = True) -> None:
    """What is looked at, and what is not known of it."""
    from pricing.money import from_nano
    from server.cli.evolve.study import reference_nano
    from server.cli.show import money

    experiment = study.experiment
    c0 = reference_nano(study) if referenced else None
    reference = "" if c0 is None else f" · one success may cost {money(from_nano(c0), experiment.currency)}"
    out.print(
        f"[bold]{experiment.experiment_id}[/bold] · {len(study.lineage.nodes):,} agents · "
        f"{len(study.evaluations):,} evaluations{reference}"
    )
    for note in study.notes:
        out.print(f"[yellow]![/yellow] {note}")


def fitness_table(found: "Sequence[AgentFitness]", study: "Study") -> Any:
    """A line per agent."""
    from pricing.money import from_nano
    from server.cli.show import bar, money, table

    figures = ("fitness", "effective", "efficient", "cost eff.", "cost of pass", "cost", "n")
    shown = table("agent", "gen", "", *figures, "", right={"gen", *figures})
    currency = study.experiment.currency
    for each in found:
        pass_nano = each.cost_of_pass
        place = study.lineage.index.get(each.agent_id)
        shown.add_row(
            each.agent_id,
            "" if place is None else str(study.lineage.nodes[place].generation),
            bar(each.overall.value, 10),
            number(each.overall.value),
            ranged(each.dimensions.effectiveness, each.effectiveness_interval),
            number(each.dimensions.efficiency),
            ranged(each.dimensions.cost_efficiency, each.cost_efficiency_interval),
            "?" if pass_nano is None else money(from_nano(round(pass_nano)), currency),
            money(from_nano(each.cost_nano), currency),
            f"{each.trials:,}",
            "*" if each.incomplete else "",
        )
    return shown


def number(value: float | None) -> str:
    """Three places; unknown is not 0."""
    return "?" if value is None else f"{value:.3f}"


def ranged(value: float | None, interval: "tuple[float, float] | None") -> str:
    """A value, and the interval where one is known."""
    text = number(value)
    return text if interval is None else f"{text} [{interval[0]:.2f}, {interval[1]:.2f}]"
