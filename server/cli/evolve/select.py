"""``costgraph evolve select``: who goes on."""

import json
from collections.abc import Sequence
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
    from evolution.budgeted import BudgetedSelection
    from evolution.selections import Selection
    from server.cli.evolve.study import Study


SelectorName = Annotated[
    str | None,
    typer.Option(help="Such as nsga2, tournament, cost_lexicase, hull_frontier (docs/evolution.md)."),
]
Count = Annotated[int, typer.Option("--count", "-k", help="How many.", min=1)]
Seed = Annotated[
    int, typer.Option(help="The same seed chooses the same, in whatever order they come.", min=0)
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(help="The selector's own, such as size=3.", metavar="NAME=JSON"),
]
Replace = Annotated[bool, typer.Option("--replace", help="One may be chosen several times.")]
Money = Annotated[
    str | None,
    typer.Option(help="Instead of a selector: the most fitness that this amount buys, exactly."),
]
Ahead = Annotated[int, typer.Option(help="With --budget: so many further evaluations of each.", min=1)]
Quantile = Annotated[
    float | None,
    typer.Option(help="With --budget: plan with this quantile of cost, such as 0.9.", min=0.01, max=0.99),
]
Must = Annotated[list[str] | None, typer.Option(help="With --budget: it must be among them.")]
Never = Annotated[list[str] | None, typer.Option(help="With --budget: it must not.")]


def select(
    *,
    file: Files = None,
    experiment: ExperimentId = None,
    selector: SelectorName = None,
    k: Count = 10,
    seed: Seed = 0,
    parameter: Parameters = None,
    replace: Replace = False,
    budget: Money = None,
    ahead: Ahead = 10,
    quantile: Quantile = None,
    must: Must = None,
    never: Never = None,
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
    """Select agents by a seeded selector, or by what a budget buys.

    With --file and --json the whole record is printed, with the scores that the selector saw: it can be
    made again from that (evolution.selections.replay). With --experiment the service selects and keeps the
    record. Who lacks a figure that is needed is left out with the reason.

      costgraph evolve select --file lineage.jsonl --selector nsga2 --count 8 --seed 7
      costgraph evolve select --file lineage.jsonl --selector tournament --parameter size=3 --replace
      costgraph evolve select --experiment search --budget 25 --ahead 20 --quantile 0.9
    """
    from evolution.codec import to_json
    from server.cli.evolve.study import study_of, summary
    from server.cli.show import console

    if (selector is None) == (budget is None):
        raise CliError("Say by what: --selector NAME, or --budget AMOUNT.", MISUSED)
    scoring = Scoring(weight, reference_price, aggregate, normalisation, missing, unknown_cost)
    where = Where(url, key, data_dir)
    out = console()
    if experiment is not None and not file:
        if scoring != Scoring() or never:
            raise CliError(
                "The service scores as the experiment says, and leaves nobody out: no --weight, --never or "
                "the like with --experiment.",
                MISUSED,
            )
        wanted = wanted_of(
            experiment, selector, parameters_in(parameter), k, seed, budget, ahead, quantile, must or ()
        )
        show_kept(out, kept({**wanted, "replace": replace}, where), as_json=as_json)
        return
    with options.explained():
        study = study_of(file, experiment, where, scoring)
        made: Selection | BudgetedSelection
        if selector is not None:
            made = by_selector(study, selector, parameters_in(parameter), k, seed, replace=replace)
        else:
            nano = options.amount(budget or "", "--budget")
            made = by_budget(study, nano, k, ahead, quantile, must or (), never or ())
    if as_json:
        out.print_json(data={**summary(study), "selection": to_json(made)})
        return
    show(out, study, made)


def parameters_in(pairs: Sequence[str] | None) -> dict[str, Any]:
    """``NAME=JSON`` each; what is no JSON is text."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, sign, text = pair.partition("=")
        if not sign:
            raise CliError(f"--parameter: {pair!r} is not NAME=JSON", MISUSED)
        try:
            found[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            found[name.strip()] = text
    return found


def wanted_of(
    experiment: str,
    selector: str | None,
    parameters: dict[str, Any],
    k: int,
    seed: int,
    budget: str | None,
    ahead: int,
    quantile: float | None,
    must: Sequence[str],
) -> dict[str, Any]:
    """What ``selectAgents`` is told."""
    said = {"experimentId": experiment, "k": k, "seed": seed}
    if selector is not None:
        return {**said, "selector": selector, "parameters": parameters or None}
    options.amount(budget or "", "--budget")
    plan: dict[str, Any] = {"mandatory": list(must), "ahead": ahead}
    if quantile is not None:
        plan["quantile"] = quantile
    return {**said, "selector": "within_budget", "parameters": plan, "budget": budget}


def kept(wanted: dict[str, Any], where: Where) -> dict[str, Any]:
    """The selection as the service made and kept it."""
    from server.cli.evolve.service import select_in

    return select_in(where, wanted)


def show_kept(out: Any, made: dict[str, Any], *, as_json: bool) -> None:
    """A selection of the service."""
    from collections import Counter

    if as_json:
        out.print_json(data={"selection": made})
        return
    chosen, candidates = len(made["chosen"]), made["candidateCount"]
    out.print(
        f"[bold]{made['selector']}[/bold] chose {chosen:,} of {candidates:,} · kept as {made['selectionId']}"
    )
    for name in made["chosen"]:
        out.print(name, markup=False)
    for reason, count in sorted(Counter(each["reason"] for each in made["excluded"]).items()):
        out.print(f"{count:,} left out: {reason}", style="dim")
    if (more := made["excludedCount"] - len(made["excluded"])) > 0:
        out.print(f"… and {more:,} more (page through the selection's `excluded`)", style="dim")


def by_selector(
    study: "Study", name: str, parameters: dict[str, Any], k: int, seed: int, *, replace: bool
) -> "Selection":
    """A selection with its record."""
    from evolution.candidates import candidates_of
    from evolution.selections import select as choose
    from evolution.selectors.registry import selector_of
    from server.cli.evolve.study import reference_nano

    if name == "clade_thompson" and "c0" not in parameters and (c0 := reference_nano(study)) is not None:
        parameters = {**parameters, "c0": float(c0)}
    candidates = candidates_of(study.evaluations, study.experiment, study.lineage)
    return choose(
        selector_of(name, parameters),
        candidates,
        k,
        seed,
        replace=replace,
        experiment_id=study.experiment.experiment_id,
    )


def by_budget(
    study: "Study",
    budget_nano: int,
    k: int,
    ahead: int,
    quantile: float | None,
    must: Sequence[str],
    never: Sequence[str],
) -> "BudgetedSelection":
    """The most fitness, at its lower bound, that the budget buys."""
    from evolution.budgeted import select_within
    from evolution.candidates import offers_of

    offers = offers_of(study.evaluations, study.experiment, ahead, quantile=quantile)
    return select_within(offers, budget_nano, k, mandatory=must, excluded=never)


def show(out: Any, study: "Study", made: "Selection | BudgetedSelection") -> None:
    """Who was chosen, and why others were not."""
    from collections import Counter

    from evolution.budgeted import BudgetedSelection
    from pricing.money import from_nano
    from server.cli.evolve.score import fitness_in, fitness_table, heading
    from server.cli.show import money

    heading(out, study)
    fitness = {each.agent_id: each for each in fitness_in(study)}
    out.print(fitness_table([fitness[name] for name in made.chosen], study))
    if isinstance(made, BudgetedSelection):
        cost = money(from_nano(made.cost_nano), study.experiment.currency)
        proof = "nothing is better" if made.exact else f"nothing is better by more than {made.gap:.4f}"
        out.print(f"fitness {made.value:.4f} for {cost}: {proof}")
        reasons = Counter(made.left_out.values())
    else:
        reasons = Counter(made.excluded.values())
    for reason, count in sorted(reasons.items()):
        out.print(f"{count:,} left out: {reason}", style="dim")
