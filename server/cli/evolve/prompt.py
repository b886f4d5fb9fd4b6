"""``costgraph evolve prompt``: the cost-aware system prompt, graded by budget and fitness."""

from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.evolve import options
from server.cli.evolve.options import ExperimentId, Files, Scoring
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from evolution.fitness import FitnessDimensions

Utilization = Annotated[
    float | None,
    typer.Option(help="Spent / amount, such as 0.85, where no service is asked.", min=0.0),
]
BudgetId = Annotated[str | None, typer.Option("--budget", help="A budget of the service: its utilisation.")]
AgentId = Annotated[
    str | None, typer.Option("--agent", help="An agent of the study, whose weak sides get advice.")
]


def prompt(
    *,
    utilization: Utilization = None,
    budget: BudgetId = None,
    agent: AgentId = None,
    file: Files = None,
    experiment: ExperimentId = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Print a system prompt: the five cost directives, graded by a budget's utilisation and by fitness.

    The directives are always there, word for word; a fuller budget and a weak fitness add lines.

      costgraph evolve prompt --utilization 0.85
      costgraph evolve prompt --utilization 0.85 --file lineage.jsonl --agent child
      costgraph evolve prompt --budget acme/search --experiment search --agent child
    """
    from server.cli.show import console

    if (agent is None) != (experiment is None and not file):
        raise CliError("--agent goes with --experiment or --file.", MISUSED)
    if budget is not None and (utilization is not None or file):
        raise CliError("--budget asks the service: without --utilization and --file.", MISUSED)
    where = Where(url, key, data_dir)
    with options.explained():
        if budget is not None or (experiment is not None and utilization is None):
            from server.cli.evolve.service import prompt_of

            text = prompt_of(where, budget, agent, experiment)
        else:
            from evolution.prompts import cost_aware_prompt

            fitness = None if agent is None else fitness_of(agent, file, experiment, where)
            text = cost_aware_prompt(utilization, fitness)
    if as_json:
        console().print_json(data={"prompt": text})
        return
    typer.echo(text)


def fitness_of(agent: str, file: Files, experiment: ExperimentId, where: Where) -> "FitnessDimensions":
    """The dimensions of an agent of a study. Raises ``CliError`` where it is not in it."""
    from server.cli.evolve.score import fitness_in
    from server.cli.evolve.study import study_of

    study = study_of(file, experiment, where, Scoring())
    for each in fitness_in(study):
        if each.agent_id == agent:
            return each.dimensions
    raise CliError(f"There is no agent {agent} in it.")
