"""Fitness, lineages as a whole, and prompts, through GraphQL."""

import pytest

from evolution.prompts import DIRECTIVES, cost_aware_prompt
from tests.support.experiments import evaluated, evaluation, experiment, family, lineage
from tests.support.services import Caller, budget, record, usage

FITNESS = """
query($id: ID!, $weights: FitnessWeightsInput, $aggregate: Aggregate, $normalisation: Normalisation) {
  agent(agentId: $id) {
    fitness(experiment: "e", weights: $weights, aggregate: $aggregate, normalisation: $normalisation) {
      overall effectiveness efficiency costEfficiency incomplete missingDimensions costOfPass cost trials
      successes unknownCosts weights { effectiveness efficiency costEfficiency }
      effectivenessInterval { low high } costEfficiencyInterval { low high }
    }
  }
}
"""


def test_fitness_is_scored_by_what_it_really_cost(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    root = admin.get(FITNESS, id="root")["agent"]["fitness"]
    # Two evaluations at 0.04, one success: cost of pass 0.08, the reference.
    assert (root["costOfPass"], root["cost"], root["trials"]) == ("0.08", "0.08", 2)
    assert (root["effectiveness"], root["costEfficiency"]) == (0.5, 0.5)
    assert not root["incomplete"]
    assert root["effectivenessInterval"]["low"] < 0.5 < root["effectivenessInterval"]["high"]
    child = admin.get(
        FITNESS, id="child", weights={"effectiveness": 0, "efficiency": 0, "costEfficiency": 5}
    )["agent"]["fitness"]
    assert child["costEfficiency"] == pytest.approx(0.08 / 0.09)
    assert child["overall"] == child["costEfficiency"]
    assert child["weights"] == {"effectiveness": 0.0, "efficiency": 0.0, "costEfficiency": 1.0}
    log = admin.get(FITNESS, id="root", normalisation="LOG")["agent"]["fitness"]
    assert log["costEfficiency"] == pytest.approx(0.5)
    assert admin.ask(FITNESS, id="root", weights={"effectiveness": -1}).code == "INVALID"


def test_an_unknown_cost_is_never_free(admin: Caller) -> None:
    experiment(admin, referencePrice="1")
    lineage(admin, {"agentId": "a"}, {"agentId": "b"})
    evaluated(admin, evaluation("va", "a"), evaluation("vb", "b", cost="0.5"))
    a, b = (admin.get(FITNESS, id=name)["agent"]["fitness"] for name in "ab")
    assert (a["costEfficiency"], a["incomplete"], a["unknownCosts"]) == (None, True, 1)
    assert a["missingDimensions"] == ["cost_efficiency"]
    assert b["costEfficiency"] == pytest.approx(1 / 1.5)


def test_an_agent_outside_has_no_fitness(admin: Caller) -> None:
    experiment(admin)
    family(admin)
    record(admin, usage("op", agentId="bystander"))
    assert admin.get(FITNESS, id="bystander")["agent"]["fitness"] is None
    nowhere = '{ agent(agentId: "root") { fitness(experiment: "nowhere") { overall } } }'
    assert admin.get(nowhere)["agent"]["fitness"] is None


def test_without_a_priced_founder_no_cost_says_anything(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"}, {"agentId": "b", "parentAgentIds": ["a"], "generation": 1})
    evaluated(admin, evaluation("va", "a"), evaluation("vb", "b", cost="0.5"))
    b = admin.get(FITNESS, id="b")["agent"]["fitness"]
    assert (b["costEfficiency"], b["effectiveness"]) == (None, 1.0)
    freeze = 'mutation { freezeExperiment(experimentId: "e") { frozen } }'
    assert admin.ask(freeze).code == "INVALID"


WHOLE = """{
  experiment(experimentId: "e") {
    generations {
      number agents evaluations failed spend unknownCosts best { agentId overall } meanFitness
      priceEquation { change selection transmission parents offspring }
      diversity { tips faithPd meanPairwiseDistance }
    }
    dominance: frontier(kind: DOMINANCE) { size points { agentId cost effectiveness } }
    hull: frontier(kind: HULL) { points { agentId } }
    root: cladeReport(agentId: "root") { members trials successes cost discoveryCost incomplete }
    child: cladeReport(agentId: "child") { members cost discoveryCost }
    nobody: cladeReport(agentId: "nobody") { members }
    clades(first: 3) { nodes { agentId } pageInfo { hasNextPage endCursor } }
    costToDiscover { agentId cost treeCost unknownCosts }
    pathAttribution(agentId: "child") {
      path total price token skill steps { childId total price token skill }
    }
    costs { imported importedCount measured unknownCount }
  }
}"""


CLADES = """
query($after: String) { experiment(experimentId: "e") { clades(after: $after) { nodes { agentId } } } }
"""


def test_a_lineage_is_reported_as_a_whole(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    shown = admin.get(WHOLE)["experiment"]
    generations = shown["generations"]
    assert [(each["number"], each["agents"], each["spend"]) for each in generations] == [
        (0, 1, "0.08"),
        (1, 2, "0.1"),
        (2, 1, "0.02"),
    ]
    assert [each["best"]["agentId"] for each in generations] == ["root", "right", "child"]
    price = generations[0]["priceEquation"]
    assert price["change"] == pytest.approx(price["selection"] + price["transmission"])
    assert price["change"] < 0
    assert generations[2]["priceEquation"] is None
    assert generations[1]["diversity"] == {"tips": 2, "faithPd": 2, "meanPairwiseDistance": 2.0}
    assert shown["dominance"] == {
        "size": 1,
        "points": [{"agentId": "child", "cost": "0.01", "effectiveness": 1.0}],
    }
    assert shown["hull"]["points"] == [{"agentId": "child"}]
    # The diamond's child counts once.
    assert shown["root"] == {
        "members": 4,
        "trials": 8,
        "successes": 6.0,
        "cost": "0.2",
        "discoveryCost": "0.08",
        "incomplete": False,
    }
    assert shown["child"] == {"members": 1, "cost": "0.02", "discoveryCost": "0.2"}
    assert shown["nobody"] is None
    assert [each["agentId"] for each in shown["clades"]["nodes"]] == ["child", "left", "right"]
    rest = admin.get(CLADES, after=shown["clades"]["pageInfo"]["endCursor"])["experiment"]["clades"]
    assert rest["nodes"] == [{"agentId": "root"}]
    assert shown["costToDiscover"] == {
        "agentId": "child",
        "cost": "0.2",
        "treeCost": "0.2",
        "unknownCosts": 0,
    }
    path = shown["pathAttribution"]
    assert path["path"] == ["root", "right", "child"]
    assert path["total"] == pytest.approx(path["price"] + path["token"] + path["skill"], abs=1e-9)
    assert path["total"] == pytest.approx(sum(each["total"] for each in path["steps"]), abs=1e-9)
    assert shown["costs"] == {"imported": "0.2", "importedCount": 8, "measured": "0", "unknownCount": 0}


def test_an_empty_experiment_says_nothing_and_fails_nowhere(admin: Caller) -> None:
    experiment(admin)
    shown = admin.get(WHOLE)["experiment"]
    assert shown["generations"] == []
    assert shown["dominance"] == {"size": 0, "points": []}
    assert (shown["root"], shown["costToDiscover"], shown["pathAttribution"]) == (None, None, None)


PROMPT = """
query($budget: ID, $agent: ID, $experiment: ID) {
  costAwarePrompt(budgetId: $budget, agentId: $agent, experimentId: $experiment)
}
"""


def test_a_prompt_has_the_five_directives_word_for_word_and_is_graded(admin: Caller) -> None:
    experiment(admin, referencePrice="0.08")
    family(admin)
    assert admin.get(PROMPT)["costAwarePrompt"] == cost_aware_prompt()
    assert admin.get(PROMPT)["costAwarePrompt"].startswith(DIRECTIVES)
    budget(admin, "tight", amount="1")
    record(admin, usage("op", budgetId="tight", providerCost="0.9"))
    graded = admin.get(PROMPT, budget="tight")["costAwarePrompt"]
    assert graded == cost_aware_prompt(0.9)
    assert "economical" in graded
    weak = admin.get(PROMPT, budget="tight", agent="root", experiment="e")["costAwarePrompt"]
    assert weak.startswith(graded)
    for said in ({"budget": "nowhere"}, {"agent": "nobody", "experiment": "e"}):
        assert admin.ask(PROMPT, **said).code == "NOT_FOUND"
    assert admin.ask(PROMPT, agent="root", experiment="nowhere").code == "NOT_FOUND"
    assert admin.ask(PROMPT, agent="root").code == "INVALID"
