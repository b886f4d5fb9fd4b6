"""What evaluations cost: read from the ledger whenever somebody looks."""

from ledger.access import Role
from tests.support.experiments import EVALUATIONS, costs, evaluated, evaluation, experiment, lineage, nodes
from tests.support.services import Caller, budget, record, usage


def test_a_cost_is_read_from_the_ledger_whenever_somebody_looks(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"})
    evaluated(
        admin,
        evaluation("ops", "a", operationIds=["op1", "op2"], taskId="t1"),
        evaluation("session", "a", sessionId="s1", taskId="t2"),
        evaluation("unpriced", "a", operationIds=["op5"], taskId="t3"),
        evaluation("nothing", "a", taskId="t4"),
    )
    unknown = (None, "UNKNOWN")
    assert costs(admin) == dict.fromkeys(("ops", "session", "unpriced", "nothing"), unknown)
    record(admin, usage("op1", providerCost="0.25", agentId="a"))
    # One of two operations is not there yet: a part would look cheap.
    assert costs(admin)["ops"] == unknown
    record(
        admin,
        usage("op2", providerCost="0.5", agentId="a"),
        usage("op3", providerCost="1", sessionId="s1", agentId="a"),
        usage("op4", providerCost="2", sessionId="s1", agentId="helper"),
        usage("op5", modelId="unheard-of", provider="nobody", agentId="a"),
    )
    assert costs(admin) == {
        "ops": ("0.75", "MEASURED"),
        "session": ("3", "MEASURED"),
        "unpriced": unknown,
        "nothing": unknown,
    }
    tokens = {each["evaluationId"]: each["tokens"] for each in nodes(admin, EVALUATIONS, "evaluations")}
    assert tokens == {"ops": 2200, "session": 2200, "unpriced": 1100, "nothing": None}
    refund = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"
    said = {"idempotencyKey": "r", "operationId": "op2", "kind": "REFUND", "change": "-0.3"}
    admin.get(refund, input=said)
    assert costs(admin)["ops"] == ("0.45", "MEASURED")


def test_an_unpriced_operation_in_a_session_makes_its_cost_unknown(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"})
    evaluated(admin, evaluation("v", "a", sessionId="s"))
    record(admin, usage("op1", sessionId="s", providerCost="1"))
    assert costs(admin)["v"] == ("1", "MEASURED")
    record(admin, usage("op2", sessionId="s", modelId="unheard-of", provider="nobody"))
    assert costs(admin)["v"] == (None, "UNKNOWN")


def test_a_free_operation_costs_nothing_and_that_is_known(admin: Caller) -> None:
    experiment(admin)
    lineage(admin, {"agentId": "a"})
    evaluated(admin, evaluation("v", "a", operationIds=["op"]))
    record(admin, usage("op", providerCost="0"))
    assert costs(admin)["v"] == ("0", "MEASURED")


def test_money_that_two_evaluations_claim_is_nobodys(admin: Caller) -> None:
    experiment(admin, referencePrice="1")
    lineage(admin, {"agentId": "a"}, {"agentId": "b"})
    record(admin, usage("op", providerCost="1"), usage("own", providerCost="2"))
    evaluated(
        admin,
        evaluation("va", "a", operationIds=["op"]),
        evaluation("vb", "b", operationIds=["op"]),
        evaluation("vc", "b", operationIds=["own"], taskId="t2"),
    )
    shown = admin.get(
        '{ experiment(experimentId: "e") { costs { measured measuredCount unknownCount importedCount } } }'
    )["experiment"]["costs"]
    assert shown == {"measured": "2", "measuredCount": 1, "unknownCount": 2, "importedCount": 0}


def test_a_confined_key_attaches_no_cost_that_it_does_not_see(admin: Caller) -> None:
    experiment(admin)
    budget(admin, "secret", amount="10")
    lineage(admin, {"agentId": "a"})
    record(
        admin,
        usage("hidden", providerCost="3", budgetId="secret", sessionId="s"),
        usage("own", providerCost="1", budgetId="lab"),
    )
    confined = admin.confined("lab", Role.RESEARCHER)
    evaluated(
        confined,
        evaluation("peek", "a", operationIds=["hidden"]),
        evaluation("listen", "a", sessionId="s", taskId="t2"),
        evaluation("fair", "a", operationIds=["own"], taskId="t3"),
    )
    evaluated(admin, evaluation("whole", "a", operationIds=["hidden"], taskId="t4"))
    for caller in (admin, confined):
        assert costs(caller) == {
            "peek": (None, "UNKNOWN"),
            "listen": (None, "UNKNOWN"),
            "fair": ("1", "MEASURED"),
            "whole": ("3", "MEASURED"),
        }
