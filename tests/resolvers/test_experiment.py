"""Experiments through GraphQL: what is said of them, who takes part, what is recorded."""

import asyncio
from typing import Any

import pytest

from tests.support.experiments import (
    AGENTS,
    CREATE,
    EVALUATIONS,
    evaluated,
    evaluation,
    experiment,
    family,
    lineage,
    nodes,
)
from tests.support.services import Caller, budget


def test_an_experiment_is_what_was_said_and_asking_again_is_harmless(admin: Caller) -> None:
    said = {
        "experimentId": "e",
        "budgetId": "lab",
        "name": "Search",
        "weights": {"effectiveness": 2, "efficiency": 0, "costEfficiency": 2},
        "seed": 7,
        "referencePrice": "0.05",
        "metadata": {"paper": [1, None]},
        "tasks": ["t1", "t0"],
        "aggregate": "GEOMETRIC",
    }
    budget(admin, "lab", budgetType="EXPERIMENT", amount="5", currency="EUR")
    for _ in range(2):
        admin.get(CREATE, input=said)
    shown = admin.get(
        """{ experiment(experimentId: "e") {
        experimentId name seed referencePrice metadata tasks aggregate currency frozen budget { budgetId }
        weights { effectiveness efficiency costEfficiency } } }"""
    )["experiment"]
    assert shown == {
        "experimentId": "e",
        "name": "Search",
        "seed": 7,
        "referencePrice": "0.05",
        "metadata": {"paper": [1, None]},
        "tasks": ["t1", "t0"],
        "aggregate": "GEOMETRIC",
        "currency": "EUR",
        "frozen": False,
        "budget": {"budgetId": "lab"},
        "weights": {"effectiveness": 0.5, "efficiency": 0.0, "costEfficiency": 0.5},
    }
    assert admin.ask(CREATE, input={**said, "seed": 8}).code == "CONFLICT"


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
        ({"budgetId": "web"}, "INVALID", "budgetId"),
        ({"weights": {"effectiveness": -1}}, "INVALID", "weights"),
        ({"weights": {"effectiveness": 0, "efficiency": 0, "costEfficiency": 0}}, "INVALID", "weights"),
        ({"referencePrice": "0"}, "INVALID", "referencePrice"),
        ({"confidence": 1.0}, "INVALID", "confidence"),
        ({"roles": ["BUILD"]}, "INVALID", "roles"),
        ({"experimentId": ""}, "INVALID", "experimentId"),
        ({"seed": -1}, "INVALID", "seed"),
        ({"metadata": "x" * 70_000}, "INVALID", "metadata"),
    ],
)
def test_an_impossible_experiment_is_refused_and_nothing_is_written(
    admin: Caller, changed: dict[str, Any], code: str, field: str
) -> None:
    budget(admin, "lab", budgetType="EXPERIMENT")
    budget(admin, "web")
    answer = admin.ask(CREATE, input={"experimentId": "e", "budgetId": "lab", **changed})
    assert (answer.code, answer.field) == (code, field)
    assert admin.get("{ experiments { nodes { experimentId } } }")["experiments"]["nodes"] == []


def test_a_lineage_keeps_generation_operator_and_the_order_of_parents(admin: Caller) -> None:
    experiment(admin)
    family(admin)
    found = {each["agentId"]: each for each in nodes(admin, AGENTS, "agents", first=3)}
    assert list(found) == ["child", "left", "right", "root"]
    child = found["child"]
    assert (child["generation"], child["operator"]) == (2, "CROSSOVER")
    assert child["parentAgentIds"] == ["right", "left"]
    # The graph's lineage: the same agents, by PARENT_OF.
    assert child["agent"]["parents"] == [{"agentId": "left"}, {"agentId": "right"}]
    home = admin.get('{ agent(agentId: "child") { budget { budgetId } } }')["agent"]["budget"]
    assert home == {"budgetId": "lab"}


def test_a_bad_row_of_a_lineage_fails_alone(admin: Caller) -> None:
    experiment(admin)
    family(admin)
    found = lineage(
        admin,
        {"agentId": "fine", "parentAgentIds": ["child"], "generation": 3, "operator": "MUTATION"},
        {"agentId": "root"},
        {"agentId": "root", "generation": 1},
        {"agentId": "own", "parentAgentIds": ["own"]},
        {"agentId": "twice", "parentAgentIds": ["root", "root"]},
        {"agentId": "before", "generation": -1},
        {"agentId": "fine", "parentAgentIds": ["child"], "generation": 3, "operator": "MUTATION"},
    )
    codes = [each.get("code", each.get("duplicate")) for each in found]
    assert codes == [False, True, "CONFLICT", "CYCLE", "INVALID", "INVALID", True]
    assert [each.get("rowId") for each in found][2:6] == ["root", "own", "twice", "before"]
    names = [each["agentId"] for each in nodes(admin, AGENTS, "agents")]
    assert names == ["child", "fine", "left", "right", "root"]
    assert found[4]["field"] == "parentAgentIds"
    # Who is refused is not registered either.
    assert admin.get('{ agent(agentId: "before") { agentId } }')["agent"] is None


def test_an_agent_that_would_descend_from_itself_takes_no_part(admin: Caller) -> None:
    experiment(admin)
    experiment(admin, "other", "lab2")
    family(admin)
    (found,) = lineage(admin, {"agentId": "root", "parentAgentIds": ["child"]}, experiment_id="other")
    assert found["code"] == "CYCLE"
    assert admin.get('{ agent(agentId: "root") { parents { agentId } } }')["agent"]["parents"] == []
    page = '{ experiment(experimentId: "other") { agents { nodes { agentId } } } }'
    assert admin.get(page)["experiment"]["agents"]["nodes"] == []


def test_a_bad_evaluation_fails_alone_and_a_batch_may_be_sent_again(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"})
    rows = [
        evaluation("good", "a", 0.5, cost="0.001", seconds=1.5, tokens=12),
        evaluation("stranger", "nobody"),
        evaluation("above", "a", 1.5),
        evaluation("both", "a", cost="1", operationIds=["op"]),
        evaluation("twice", "a", operationIds=["op", "op"]),
        evaluation("money", "a", cost="1", costCurrency="EUR"),
        evaluation("digits", "a", cost="0.0000000001"),
        evaluation("debt", "a", cost="-1"),
        evaluation("crash", "a", None),
        evaluation("good", "a", 0.25),
        evaluation("", "a"),
    ]
    first = evaluated(admin, *rows)
    codes = ["NOT_FOUND", *["INVALID"] * 6]
    assert [each.get("code", each.get("duplicate")) for each in first] == [
        False,
        *codes,
        False,
        "CONFLICT",
        "INVALID",
    ]
    fields = ["score", "cost", "operationIds", "costCurrency", "cost", "cost"]
    assert [each["field"] for each in first[2:8]] == fields
    again = evaluated(admin, *rows)
    assert [each.get("code", each.get("duplicate")) for each in again] == [
        True,
        *codes,
        True,
        "CONFLICT",
        "INVALID",
    ]
    assert nodes(admin, EVALUATIONS, "evaluations") == [
        {
            "evaluationId": "crash",
            "agentId": "a",
            "taskId": "t1",
            "score": None,
            "seconds": 2.0,
            "tokens": None,
            "role": "EVALUATE",
            "cost": None,
            "costSource": "UNKNOWN",
            "log": None,
        },
        {
            "evaluationId": "good",
            "agentId": "a",
            "taskId": "t1",
            "score": 0.5,
            "seconds": 1.5,
            "tokens": 12,
            "role": "EVALUATE",
            "cost": "0.001",
            "costSource": "IMPORTED",
            "log": None,
        },
    ]


def test_a_batch_has_a_size(admin: Caller) -> None:
    experiment(admin)
    record_both = (
        """mutation($n: [RecordLineageInput!]!) {
          recordLineage(experimentId: "e", agents: $n) { __typename } }""",
        """mutation($n: [RecordEvaluationInput!]!) {
          recordEvaluations(experimentId: "e", evaluations: $n) { __typename } }""",
    )
    for query in record_both:
        rows = [{"agentId": "a"}] if "Lineage" in query else [evaluation("v", "a")]
        assert admin.ask(query, n=rows * 1_001).code == "INVALID"
        assert admin.ask(query.replace('"e"', '"nowhere"'), n=rows).code == "NOT_FOUND"


def test_experiments_are_listed_by_page_and_by_what_the_key_sees(admin: Caller) -> None:
    for name in ("a", "b", "c"):
        experiment(admin, name, f"lab-{name}")
    page = "query($after: String) { experiments(first: 2, after: $after) { nodes { experimentId } pageInfo"
    page += " { hasNextPage endCursor } } }"
    first = admin.get(page)["experiments"]
    assert [each["experimentId"] for each in first["nodes"]] == ["a", "b"]
    rest = admin.get(page, after=first["pageInfo"]["endCursor"])["experiments"]
    assert [each["experimentId"] for each in rest["nodes"]] == ["c"]
    assert rest["pageInfo"]["hasNextPage"] is False
    confined = admin.confined("lab-b")
    assert confined.get(page)["experiments"]["nodes"] == [{"experimentId": "b"}]
    assert confined.get('{ experiment(experimentId: "a") { experimentId } }') == {"experiment": None}


def test_two_researchers_who_record_the_same_at_once_record_it_once(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"})
    text = """mutation($rows: [RecordEvaluationInput!]!) {
      recordEvaluations(experimentId: "e", evaluations: $rows) {
        ... on RecordedEvaluation { duplicate } } }"""
    rows = [evaluation(f"v{number}", "a", taskId=f"t{number}") for number in range(20)]

    async def together() -> list[Any]:
        return await asyncio.gather(*(admin.asked(text, rows=rows) for _ in range(4)))

    answers = [answer.data["recordEvaluations"] for answer in asyncio.run(together())]
    new = [each for answer in answers for each in answer if not each["duplicate"]]
    assert len(new) == 20
    assert len(nodes(admin, EVALUATIONS, "evaluations", first=7)) == 20
