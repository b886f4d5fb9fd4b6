"""Experiments through GraphQL, as tests make them."""

from typing import Any

from tests.support.services import Caller, budget

CREATE = (
    "mutation($input: CreateExperimentInput!) { createExperiment(input: $input) { experimentId frozen } }"
)
LINEAGE = """
mutation($id: ID!, $agents: [RecordLineageInput!]!) {
  recordLineage(experimentId: $id, agents: $agents) {
    __typename
    ... on RecordedAgent { agentId duplicate }
    ... on RefusedRow { row rowId code field message }
  }
}
"""
RECORD_EVALUATIONS = """
mutation($id: ID!, $rows: [RecordEvaluationInput!]!) {
  recordEvaluations(experimentId: $id, evaluations: $rows) {
    __typename
    ... on RecordedEvaluation { evaluationId duplicate }
    ... on RefusedRow { row rowId code field message }
  }
}
"""
SELECT = """
mutation($input: SelectAgentsInput!) {
  selectAgents(input: $input) {
    selectionId selector parameters seed k replace generation chosen excluded { agentId reason }
    candidates { agentId fitness effectiveness cost } reproducible
  }
}
"""


def experiment(caller: Caller, experiment_id: str = "e", budget_id: str = "lab", **fields: Any) -> None:
    """A new experiment on a budget of its own."""
    budget(caller, budget_id, budgetType="EXPERIMENT", amount="100")
    caller.get(CREATE, input={"experimentId": experiment_id, "budgetId": budget_id, **fields})


def lineage(caller: Caller, *agents: dict[str, Any], experiment_id: str = "e") -> list[dict[str, Any]]:
    """Let agents take part."""
    found: list[dict[str, Any]] = caller.get(LINEAGE, id=experiment_id, agents=list(agents))["recordLineage"]
    return found


def evaluated(caller: Caller, *rows: dict[str, Any], experiment_id: str = "e") -> list[dict[str, Any]]:
    """Record evaluations."""
    found: list[dict[str, Any]] = caller.get(RECORD_EVALUATIONS, id=experiment_id, rows=list(rows))[
        "recordEvaluations"
    ]
    return found


def evaluation(evaluation_id: str, agent_id: str, score: float | None = 1.0, **fields: Any) -> dict[str, Any]:
    """One evaluation as a client says it."""
    return {
        "evaluationId": evaluation_id,
        "agentId": agent_id,
        "taskId": "t1",
        "score": score,
        "seconds": 2.0,
        **fields,
    }


def selected(caller: Caller, experiment_id: str = "e", **fields: Any) -> dict[str, Any]:
    """Choose agents."""
    found: dict[str, Any] = caller.get(SELECT, input={"experimentId": experiment_id, **fields})
    return found["selectAgents"]


def family(caller: Caller, experiment_id: str = "e") -> None:
    """Root → left, right; left + right → child; each evaluated on two tasks at an imported cost."""
    rows = [
        {"agentId": "root"},
        {"agentId": "left", "parentAgentIds": ["root"], "generation": 1, "operator": "MUTATION"},
        {"agentId": "right", "parentAgentIds": ["root"], "generation": 1, "operator": "MUTATION"},
        {
            "agentId": "child",
            "parentAgentIds": ["right", "left"],
            "generation": 2,
            "operator": "CROSSOVER",
        },
    ]
    assert {each["__typename"] for each in lineage(caller, *rows, experiment_id=experiment_id)} == {
        "RecordedAgent"
    }
    scores = {"root": (1, 0), "left": (1, 0), "right": (1, 1), "child": (1, 1)}
    costs = {"root": "0.04", "left": "0.02", "right": "0.03", "child": "0.01"}
    rows = [
        evaluation(f"{agent}/{task}", agent, float(score), taskId=f"t{task}", cost=costs[agent], tokens=1000)
        for agent, both in scores.items()
        for task, score in enumerate(both)
    ]
    assert {each["__typename"] for each in evaluated(caller, *rows, experiment_id=experiment_id)} == {
        "RecordedEvaluation"
    }


EVALUATIONS = """
query($id: ID!, $first: Int!, $after: String) {
  experiment(experimentId: $id) {
    evaluations(first: $first, after: $after) {
      nodes { evaluationId agentId taskId score seconds tokens role cost costSource log }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
AGENTS = """
query($id: ID!, $first: Int!, $after: String) {
  experiment(experimentId: $id) {
    agents(first: $first, after: $after) {
      nodes { agentId generation operator parentAgentIds island agent { agentId parents { agentId } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def nodes(caller: Caller, query: str, what: str, first: int = 100) -> list[dict[str, Any]]:
    """All nodes of an experiment's list, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = caller.get(query, id="e", first=first, after=after)["experiment"][what]
        assert len(page["nodes"]) <= first
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def costs(caller: Caller) -> dict[str, tuple[str | None, str]]:
    """Cost and its source, by evaluation."""
    return {
        each["evaluationId"]: (each["cost"], each["costSource"])
        for each in nodes(caller, EVALUATIONS, "evaluations")
    }


def experimented(admin: Caller) -> None:
    """A marked experiment, and one that a confined key sees, for tests of isolation."""
    budget(admin, "hush-lab", "hush-above", budgetType="EXPERIMENT")
    budget(admin, "lab", "web", budgetType="EXPERIMENT")
    hush = {"name": "hush name", "metadata": {"hush": "777.7"}, "tasks": ["hush-task"], "priceBook": "hush"}
    said = {"experimentId": "hush-experiment", "budgetId": "hush-lab", "referencePrice": "333.3", **hush}
    admin.get(CREATE, input=said)
    admin.get(CREATE, input={"experimentId": "lab", "budgetId": "lab"})
    for experiment_id, agent_id in (("hush-experiment", "hush-agent"), ("lab", "own")):
        lineage(admin, {"agentId": agent_id, "island": agent_id}, experiment_id=experiment_id)
        row = evaluation(f"{agent_id}-1", agent_id, taskId=f"{agent_id}-task", cost="0.5")
        evaluated(admin, {**row, "log": {"by": agent_id}}, experiment_id=experiment_id)
    selected(
        admin, "hush-experiment", selector="truncation", k=1, selectionId="hush-selection", generation=777
    )
