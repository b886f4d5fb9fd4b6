"""Experiments as a whole, and the fitness of agents in them: each experiment is read once for all of them."""

from evolution.analysis import Analysis, ScoringOptions
from evolution.scoring import AgentFitness
from evolution.stored import StoredExperiment
from ledger.errors import InvalidInput, LedgerError
from resolvers.request import Request

EVALUATIONS_MAX = 1_000_000
"""How many evaluations an experiment may have that is looked at as a whole."""
EXPERIMENTS_MAX = 10
"""How many experiments one request may look at as a whole: each is read in its own pages."""

Wanted = tuple[str, str, ScoringOptions]
"""An agent's id, an experiment's id, and how to score."""


async def load_experiments(request: Request, uids: list[str]) -> list[StoredExperiment | None]:
    """Each experiment that exists on a budget that the caller sees."""
    view = await request.load_view()
    found = await request.read(request.services.experiments.get, uids)
    return [each if (each := found.get(uid)) and view.sees(each.budget_uid) else None for uid in uids]


async def load_analyses(request: Request, rows: list[StoredExperiment]) -> list[Analysis | LedgerError]:
    """Each experiment as a whole."""
    found: list[Analysis | LedgerError] = []
    for each in rows:
        try:
            request.look_at(each.uid, EXPERIMENTS_MAX)
            found.append(await request.work(lambda each=each: analysis_of(request, each)))
        except LedgerError as error:
            found.append(error)
    return found


def analysis_of(request: Request, experiment: StoredExperiment) -> Analysis:
    """Read and add up. Raises ``InvalidInput`` for an experiment that is too large."""
    services = request.services
    tree = services.trees.get(experiment.tenant)
    everything = services.experiments.everything(experiment, tree, EVALUATIONS_MAX)
    if everything is None:
        raise InvalidInput(
            f"Experiment {experiment.experiment_id} has more than {EVALUATIONS_MAX} evaluations: "
            "page through them and score them with the evolution package.",
            field="experiment_id",
        )
    nodes, evaluations = everything
    return Analysis(experiment.record, nodes, evaluations.records(), evaluations.by_source)


async def load_logs(request: Request, asked: list[tuple[StoredExperiment, str]]) -> list[str | None]:
    """What runners keep of evaluations."""
    by_uid: dict[str, tuple[StoredExperiment, list[str]]] = {}
    for experiment, evaluation_id in asked:
        by_uid.setdefault(experiment.uid, (experiment, []))[1].append(evaluation_id)
    found: dict[tuple[str, str], str] = {}
    for uid, (experiment, ids) in by_uid.items():
        logs = await request.read(request.services.experiments.logs, experiment, ids)
        found |= {(uid, name): log for name, log in logs.items()}
    return [found.get((experiment.uid, name)) for experiment, name in asked]


def fitness_in(analysis: Analysis, agent_id: str, options: ScoringOptions) -> AgentFitness | None:
    """One agent's fitness; None where it takes no part."""
    return analysis.fitness(options).get(agent_id)
