"""Selections through GraphQL: made once, kept, made again."""

from typing import Any

import pytest

from evolution.selections import replay
from evolution.stored import experiment_uid
from tests.support.experiments import SELECT, evaluated, evaluation, experiment, family, lineage, selected
from tests.support.services import Caller


def test_a_selection_is_kept_and_can_be_made_again_from_the_graph(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08", seed=3)
    family(admin)
    found = selected(admin, selector="tournament", k=2, parameters={"size": 2}, generation=3)
    assert (found["seed"], found["k"], found["generation"]) == (3, 2, 3)
    assert found["reproducible"]
    assert [each["agentId"] for each in found["candidates"]] == ["child", "left", "right", "root"]
    assert selected(admin, selector="tournament", k=2, parameters={"size": 2}, generation=3) == found
    page = """query($id: ID!) { experiment(experimentId: "e") { selections(first: 1) { nodes {
      selectionId candidateCount candidates(first: 2, after: $id) { agentId } } } } }"""
    (shown,) = admin.get(page, id="child")["experiment"]["selections"]["nodes"]
    assert (shown["candidateCount"], shown["candidates"]) == (4, [{"agentId": "left"}, {"agentId": "right"}])
    tenant = admin.principal.tenant
    uid = experiment_uid(tenant, "e")
    kept = admin.services.experiments.get([uid])[uid]
    stored = admin.services.experiments.selection(kept, found["selectionId"])
    assert stored is not None
    assert list(replay(stored.selection).chosen) == found["chosen"]
    listed = admin.get('{ experiment(experimentId: "e") { selections { nodes { selectionId chosen } } } }')
    assert listed["experiment"]["selections"]["nodes"] == [
        {"selectionId": found["selectionId"], "chosen": found["chosen"]}
    ]


def test_a_selection_with_an_id_is_made_once_whatever_came_since(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    said: dict[str, Any] = {"selector": "truncation", "k": 1, "selectionId": "first"}
    before = selected(admin, **said)
    assert before["chosen"] == ["child"]
    lineage(admin, {"agentId": "late"})
    evaluated(
        admin,
        evaluation("late/0", "late", cost="0.0001", taskId="t0"),
        evaluation("late/1", "late", cost="0.0001", taskId="t1"),
    )
    assert selected(admin, **said) == before
    assert selected(admin, selector="truncation", k=1)["chosen"] == ["late"]
    input_ = {"experimentId": "e", **said, "k": 2}
    assert admin.ask(SELECT, input=input_).code == "CONFLICT"


def test_the_first_selection_freezes_the_references(admin: Caller) -> None:
    experiment(admin)
    family(admin)
    show = '{ experiment(experimentId: "e") { frozen referencePrice referenceSeconds } }'
    assert admin.get(show)["experiment"]["frozen"] is False
    selected(admin, selector="truncation", k=1)
    frozen = {"frozen": True, "referencePrice": "0.08", "referenceSeconds": 4.0}
    assert admin.get(show)["experiment"] == frozen
    lineage(admin, {"agentId": "late"})
    evaluated(admin, evaluation("late/1", "late", cost="90"))
    assert admin.get('mutation { freezeExperiment(experimentId: "e") { referencePrice } }') == {
        "freezeExperiment": {"referencePrice": "0.08"}
    }
    assert admin.get(show)["experiment"] == frozen


def test_within_a_budget_it_buys_the_most_fitness(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    found = selected(admin, selector="within_budget", k=3, budget="0.035")
    assert found["reproducible"]
    # The child costs 0.01 to come, left 0.02, right 0.03, root 0.04.
    assert "child" in found["chosen"]
    spent = sum(float(each["cost"]) for each in found["candidates"] if each["agentId"] in found["chosen"])
    assert spent <= 0.035
    assert found["parameters"]["budget_nano"] == 35_000_000
    dear = selected(admin, selector="within_budget", k=3, budget="0.035", parameters={"ahead": 3})
    assert dear["chosen"] == ["child"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"selector": "nobody", "k": 1}, "selector"),
        ({"selector": "truncation", "k": 0}, "k"),
        ({"selector": "truncation", "k": 1_001}, "k"),
        ({"selector": "truncation", "k": 1, "parameters": [1]}, "parameters"),
        ({"selector": "truncation", "k": 1, "parameters": {"size": 1}}, "size"),
        ({"selector": "truncation", "k": 1, "budget": "1"}, "budget"),
        ({"selector": "within_budget", "k": 1}, "budget"),
        ({"selector": "within_budget", "k": 1, "budget": "1", "parameters": {"ahead": 0}}, "ahead"),
        ({"selector": "truncation", "k": 1, "agentIds": ["nobody"]}, "agentIds"),
        ({"selector": "truncation", "k": 1, "seed": -1}, "seed"),
    ],
)
def test_an_impossible_selection_is_refused_and_nothing_is_kept(
    admin: Caller, said: dict[str, Any], field: str
) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    answer = admin.ask(SELECT, input={"experimentId": "e", **said})
    assert (answer.code, answer.field) == ("INVALID", field)
    listed = admin.get('{ experiment(experimentId: "e") { selections { nodes { selectionId } } } }')
    assert listed["experiment"]["selections"]["nodes"] == []


def test_every_selector_selects_through_the_api(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    parameters: dict[str, dict[str, Any]] = {"map_elites": {}, "clade_thompson": {}}
    for name in ("roulette", "sus", "softmax", "lexicase", "cost_lexicase", "nsga2", "linear_rank"):
        parameters[name] = {}
    for name, said in {**parameters, "dominance_frontier": {}, "hull_frontier": {}}.items():
        found = selected(admin, selector=name, k=2, parameters=said, agentIds=["left", "right", "child"])
        assert found["chosen"], name
        assert set(found["chosen"]) <= {"left", "right", "child"}
        assert found["reproducible"], name


def test_who_has_no_known_cost_is_excluded_with_the_reason(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    lineage(admin, {"agentId": "late"}, {"agentId": "later"})
    evaluated(admin, evaluation("v", "late"))
    found = selected(admin, selector="nsga2", k=5)
    assert found["excluded"] == [
        {"agentId": "late", "reason": "UNKNOWN_COST"},
        {"agentId": "later", "reason": "UNKNOWN_COST"},
    ]
    assert sorted(found["chosen"]) == ["child", "left", "right", "root"]
    assert found["reproducible"]
