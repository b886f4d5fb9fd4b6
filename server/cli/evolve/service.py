"""Experiments of the service, through its GraphQL: read by pages, written in batches that may come again."""

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evolution.codec import from_json
from evolution.lineage import Lineage
from evolution.records import AgentNode, Evaluation, Experiment, Operator, Role, operation_id_of
from pricing.money import format_nano, parse_nano
from server.cli.api import PAUSE_SECONDS_MAX, Api, Retryable, connected
from server.cli.errors import UNREACHABLE, CliError
from server.cli.options import Where

PAGE: Final = 500
BATCH: Final = 500
"""Rows in one call: their answers are objects, which a server counts, too."""
PATIENCE_SECONDS: Final = 120.0
SHOWN_REFUSALS: Final = 10

EXPERIMENT: Final = """
query Experiment($id: ID!) {
  experiment(experimentId: $id) {
    experimentId budgetId currency seed aggregate normalisation missing unknownCosts efficiencyBy confidence
    effectivenessFloor roles tasks priceBook referencePrice referenceSeconds referenceTokens
    weights { effectiveness efficiency costEfficiency }
  }
}
"""
AGENTS: Final = """
query Agents($id: ID!, $first: Int!, $after: String) {
  experiment(experimentId: $id) {
    page: agents(first: $first, after: $after) {
      nodes { agentId parentAgentIds generation operator island }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
EVALUATIONS: Final = """
query Evaluations($id: ID!, $first: Int!, $after: String) {
  experiment(experimentId: $id) {
    page: evaluations(first: $first, after: $after) {
      nodes { evaluationId agentId taskId role score seconds tokens cost }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
CREATE_BUDGET: Final = """
mutation CreateBudget($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }
"""
CREATE: Final = """
mutation CreateExperiment($input: CreateExperimentInput!) {
  createExperiment(input: $input) { experimentId budgetId }
}
"""
RECORD_LINEAGE: Final = """
mutation RecordLineage($id: ID!, $rows: [RecordLineageInput!]!) {
  results: recordLineage(experimentId: $id, agents: $rows) {
    __typename ... on RecordedAgent { duplicate } ... on RefusedRow { row rowId code message }
  }
}
"""
RECORD_EVALUATIONS: Final = """
mutation RecordEvaluations($id: ID!, $rows: [RecordEvaluationInput!]!) {
  results: recordEvaluations(experimentId: $id, evaluations: $rows) {
    __typename ... on RecordedEvaluation { duplicate } ... on RefusedRow { row rowId code message }
  }
}
"""
SELECT: Final = """
mutation SelectAgents($input: SelectAgentsInput!) {
  selectAgents(input: $input) {
    selectionId selector parameters seed k replace chosen candidateCount excludedCount
    excluded { agentId reason }
  }
}
"""
PROMPT: Final = """
query Prompt($budgetId: ID, $agentId: ID, $experimentId: ID) {
  costAwarePrompt(budgetId: $budgetId, agentId: $agentId, experimentId: $experimentId)
}
"""


def fetch(experiment_id: str, where: Where) -> tuple[Experiment, list[AgentNode], list[Evaluation]]:
    """An experiment with all of its agents and evaluations. Raises ``CliError`` where there is none."""
    with connected(where) as api:
        said = api.graphql(EXPERIMENT, {"id": experiment_id})["experiment"]
        if said is None:
            raise CliError(f"There is no experiment {experiment_id}.")
        nodes = [node_of(row) for row in _pages(api, AGENTS, experiment_id)]
        evaluations = list(_with_trials(_pages(api, EVALUATIONS, experiment_id)))
    return experiment_of(said), nodes, evaluations


def experiment_of(said: Mapping[str, Any]) -> Experiment:
    """The record of what the API tells of an experiment."""
    weights = said["weights"]
    return from_json(
        Experiment,
        {
            "experiment_id": said["experimentId"],
            "tasks": said["tasks"],
            "weights": {
                "effectiveness": weights["effectiveness"],
                "efficiency": weights["efficiency"],
                "cost_efficiency": weights["costEfficiency"],
            },
            "aggregate": said["aggregate"].lower(),
            "normalisation": said["normalisation"].lower(),
            "missing": said["missing"].lower(),
            "unknown_cost": said["unknownCosts"].lower(),
            "efficiency_by": said["efficiencyBy"].lower(),
            "confidence": said["confidence"],
            "effectiveness_floor": said["effectivenessFloor"],
            "c0_nano": None if said["referencePrice"] is None else parse_nano(said["referencePrice"]),
            "reference_seconds": said["referenceSeconds"],
            "reference_tokens": said["referenceTokens"],
            "roles": [each.lower() for each in said["roles"]],
            "currency": said["currency"],
            "price_book": said["priceBook"],
            "budget_id": said["budgetId"],
            "seed": said["seed"],
        },
    )


def node_of(row: Mapping[str, Any]) -> AgentNode:
    """An agent that takes part."""
    return AgentNode(
        row["agentId"],
        tuple(row["parentAgentIds"]),
        row["generation"],
        Operator(row["operator"].lower()),
        row["island"],
    )


def _with_trials(rows: Generator[Mapping[str, Any]]) -> Generator[Evaluation]:
    """Evaluations come by id; those of one agent on one task are numbered as they come."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row["agentId"], row["taskId"], row["role"])
        trial = seen.get(key, 0)
        seen[key] = trial + 1
        yield Evaluation(
            row["agentId"],
            row["taskId"],
            row["score"],
            None if row["cost"] is None else parse_nano(row["cost"]),
            row["seconds"],
            row["tokens"],
            Role(row["role"].lower()),
            trial,
        )


def _pages(api: Api, query: str, experiment_id: str) -> Generator[Mapping[str, Any]]:
    after: str | None = None
    while True:
        found = api.graphql(query, {"id": experiment_id, "first": PAGE, "after": after})["experiment"]
        yield from found["page"]["nodes"]
        after = found["page"]["pageInfo"]["endCursor"]
        if not found["page"]["pageInfo"]["hasNextPage"]:
            return


@dataclass(slots=True)
class Pushed:
    """What an import came to."""

    recorded: dict[str, int] = field(default_factory=lambda: {"agents": 0, "evaluations": 0})
    duplicates: dict[str, int] = field(default_factory=lambda: {"agents": 0, "evaluations": 0})
    refused: int = 0
    refusals: list[str] = field(default_factory=list[str])

    def take(self, what: str, results: Sequence[Mapping[str, Any]]) -> None:
        """The answers to a batch."""
        for each in results:
            if each["__typename"] == "RefusedRow":
                self.refused += 1
                if len(self.refusals) < SHOWN_REFUSALS:
                    self.refusals.append(f"{each['rowId']}: {each['message']} ({each['code']})")
            elif each["duplicate"]:
                self.duplicates[what] += 1
            else:
                self.recorded[what] += 1

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "recorded": self.recorded,
            "alreadyThere": self.duplicates,
            "refused": self.refused,
            "refusals": self.refusals,
        }


def push(
    api: Api,
    experiment: Experiment,
    lineage: Lineage,
    evaluations: Sequence[Evaluation],
    far: Callable[[int], None],
    waiting: Callable[[str], None],
) -> Pushed:
    """Agents parents first, then evaluations. Whatever was recorded before answers as there already.

    ``far`` is told how many rows are done, ``waiting`` why a batch is sent again.
    """
    done = Pushed()
    agents = [agent_row(lineage.nodes[i]) for i in lineage.order]
    rows = [evaluation_row(each, experiment) for each in evaluations]
    for what, query, all_rows in (
        ("agents", RECORD_LINEAGE, agents),
        ("evaluations", RECORD_EVALUATIONS, rows),
    ):
        for begin in range(0, len(all_rows), BATCH):
            batch = all_rows[begin : begin + BATCH]
            said = {"id": experiment.experiment_id, "rows": batch}
            answer = patiently(lambda said=said, query=query: api.graphql(query, said), waiting)
            done.take(what, answer["results"])
            far(len(batch))
    return done


def create(api: Api, experiment: Experiment, budget: str | None, cap: str | None, parent: str | None) -> None:
    """The experiment, and where none is named its budget; the same again changes nothing."""
    budget_id = budget or experiment.budget_id or experiment.experiment_id
    if budget is None:
        wanted: dict[str, Any] = {
            "budgetId": budget_id,
            "budgetType": "EXPERIMENT",
            "currency": experiment.currency,
            "amount": cap,
            "parentBudgetId": parent,
        }
        api.graphql(CREATE_BUDGET, {"input": {k: v for k, v in wanted.items() if v is not None}})
    api.graphql(CREATE, {"input": experiment_input(experiment, budget_id)})


def experiment_input(experiment: Experiment, budget_id: str) -> dict[str, Any]:
    """What ``createExperiment`` is told."""
    weights = experiment.weights
    said = {
        "experimentId": experiment.experiment_id,
        "budgetId": budget_id,
        "weights": {
            name: weights[key]
            for name, key in (
                ("effectiveness", "effectiveness"),
                ("efficiency", "efficiency"),
                ("costEfficiency", "cost_efficiency"),
            )
            if key in weights
        }
        or None,
        "seed": experiment.seed,
        "referencePrice": None if experiment.c0_nano is None else format_nano(experiment.c0_nano),
        "referenceSeconds": experiment.reference_seconds,
        "referenceTokens": experiment.reference_tokens,
        "tasks": list(experiment.tasks),
        "aggregate": experiment.aggregate.upper(),
        "normalisation": experiment.normalisation.upper(),
        "missing": experiment.missing.upper(),
        "unknownCosts": experiment.unknown_cost.upper(),
        "efficiencyBy": experiment.efficiency_by.upper(),
        "confidence": experiment.confidence,
        "effectivenessFloor": experiment.effectiveness_floor,
        "roles": [role.upper() for role in experiment.roles],
        "priceBook": experiment.price_book,
    }
    return {name: value for name, value in said.items() if value is not None}


def agent_row(node: AgentNode) -> dict[str, Any]:
    """What ``recordLineage`` is told of an agent."""
    return {
        "agentId": node.agent_id,
        "parentAgentIds": list(node.parent_ids),
        "generation": node.generation,
        "operator": node.operator.upper(),
        "island": node.island,
    }


def evaluation_row(each: Evaluation, experiment: Experiment) -> dict[str, Any]:
    """What ``recordEvaluations`` is told: a known cost as imported money, else the operations that tell it.

    The id is made from what it is an evaluation of, so the same archive is the same evaluations.
    """
    said: dict[str, Any] = {
        "evaluationId": operation_id_of(
            experiment.experiment_id, each.agent_id, each.task_id, each.trial, each.role
        ),
        "agentId": each.agent_id,
        "taskId": each.task_id,
        "score": each.score,
        "seconds": each.seconds,
        "tokens": each.tokens,
        "role": each.role.upper(),
    }
    if each.cost_nano is not None:
        return {**said, "cost": format_nano(each.cost_nano), "costCurrency": experiment.currency}
    return {**said, "operationIds": list(each.operation_ids)}


def select_in(where: Where, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A selection that the service makes and keeps."""
    with connected(where) as api:
        return api.graphql(SELECT, {"input": dict(wanted)})["selectAgents"]


def prompt_of(where: Where, budget: str | None, agent: str | None, experiment: str | None) -> str:
    """The prompt that the service makes of a budget's utilisation and an agent's fitness."""
    said = {"budgetId": budget, "agentId": agent, "experimentId": experiment}
    with connected(where) as api:
        return api.graphql(PROMPT, said)["costAwarePrompt"]


def patiently(ask: Callable[[], dict[str, Any]], waiting: Callable[[str], None]) -> dict[str, Any]:
    """Ask again while the server is away or busy: the same rows are recorded once."""
    give_up, pause = time.monotonic() + PATIENCE_SECONDS, 0.1
    while True:
        try:
            return ask()
        except Retryable as error:
            if time.monotonic() > give_up:
                message = f"{error.message}\nRun the same command again: nothing is recorded twice."
                raise CliError(message, UNREACHABLE) from None
            waiting(error.message)
            time.sleep(max(error.after_seconds, pause))
            pause = min(PAUSE_SECONDS_MAX, pause * 2)


@contextlib.contextmanager
def wired(
    experiment_id: str, agents: Sequence[str], where: Where
) -> Generator[tuple[Experiment, contextlib.AbstractAsyncContextManager[tuple[Any, Any]]]]:
    """An experiment, and its ledger and log in the service. The agents take part in it from then on.

    Those that take part already stay as they are; new ones are founders.
    """
    with connected(where) as api:
        said = api.graphql(EXPERIMENT, {"id": experiment_id})["experiment"]
        if said is None:
            raise CliError(f"There is no experiment {experiment_id}.")
        known = {row["agentId"] for row in _pages(api, AGENTS, experiment_id)}
        lineage = Lineage.of(AgentNode(name) for name in agents if name not in known)
        experiment = experiment_of(said)
        done = push(api, experiment, lineage, (), lambda _: None, lambda _: None)
        if done.refused:
            raise CliError("\n".join(["Agents cannot take part:", *done.refusals]))
        yield experiment, _parts(api.url, api.key)


@contextlib.asynccontextmanager
async def _parts(url: str, key: str) -> AsyncGenerator[tuple[Any, Any]]:
    from server.experiments.remote import RemoteLedger, RemoteLog, Service

    async with Service(url, key) as service:
        yield RemoteLedger(service), RemoteLog(service)
