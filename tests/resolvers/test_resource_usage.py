"""Usage of what is not tokens, through GraphQL: its parts, prices, rollups and the division of costs."""

from decimal import Decimal
from typing import Any

import pytest

from tests.resolvers.test_price import put
from tests.support.services import Caller, budget, record, usage

RECORD = """
mutation($input: RecordResourceUsageInput!) {
  recordResourceUsage(input: $input) {
    __typename
    ... on RecordedUsage {
      operationId duplicate pricing costEntry { totalCost otherCost priceSource } warnings { code }
    }
    ... on OperationConflict { operationId }
    ... on InvalidUsage { operationId code field message }
  }
}
"""
DIVIDED = """
query($id: ID!, $user: ID) {
  costBreakdown(budgetId: $id, userId: $user, from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z") {
    llmCost sandboxCost storageCost dataTransferCost totalCost operations currency
  }
}
"""
EVENTS = """
query($user: ID!, $from: DateTime!, $to: DateTime!) {
  usage(filter: {userId: $user, from: $from, to: $to}) {
    nodes { operationId resourceType quantity unit category tags timestamp costEntry { totalCost } }
  }
}
"""
SANDBOX = {
    "cpuCores": "4",
    "memoryGb": "16",
    "diskGb": "100",
    "gpuCount": 1,
    "gpuType": "A100",
    "durationHours": "2",
}
AT = "2026-11-10T12:00:00Z"


def used(caller: Caller, operation_id: str, **said: Any) -> list[dict[str, Any]]:
    given = {"operationId": operation_id, "agentId": "agent", "budgetId": "acme", "timestamp": AT, **said}
    return caller.get(RECORD, input=given)["recordResourceUsage"]


def cost(caller: Caller, operation_id: str, unit: str, quantity: str, **said: Any) -> str | None:
    (found,) = used(caller, operation_id, unit=unit, quantity=quantity, **said)
    assert found["__typename"] == "RecordedUsage", found
    return found["costEntry"] and found["costEntry"]["totalCost"]


@pytest.fixture
def acme(admin: Caller) -> Caller:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    return admin


def test_a_sandbox_is_recorded_as_its_parts(acme: Caller) -> None:
    found = used(acme, "box", sandbox=SANDBOX)
    assert {each["operationId"]: each["costEntry"]["totalCost"] for each in found} == {
        "box/cpu_core_hour": "0.8",
        "box/memory_gb_hour": "0.32",
        "box/disk_gb_hour": "0.02",
        "box/gpu_a100_hour": "5",
    }
    assert all(each["costEntry"]["priceSource"] == "resources" for each in found)
    assert [each["duplicate"] for each in used(acme, "box", sandbox=SANDBOX)] == [True] * 4
    seconds = {name: value for name, value in SANDBOX.items() if name != "durationHours"}
    again = used(acme, "box", sandbox={**seconds, "durationSeconds": "7200"})
    assert [each["duplicate"] for each in again] == [True] * 4
    other = used(acme, "box", sandbox={**SANDBOX, "durationHours": "3"})
    assert {each["__typename"] for each in other} == {"OperationConflict"}


def test_egress_is_free_for_a_hundred_gb_of_a_root_and_month(acme: Caller) -> None:
    budget(acme, "elsewhere")
    assert cost(acme, "a", "egress_gb", "60") == "0"
    assert cost(acme, "b", "egress_gb", "60", budgetId="web") == "1.8"
    assert cost(acme, "c", "egress_gb", "1.5") == "0.135"
    assert cost(acme, "d", "egress_gb", "60", budgetId="elsewhere") == "0"
    assert cost(acme, "e", "egress_gb", "60", timestamp="2026-10-31T23:59:59Z") == "0"
    assert cost(acme, "f", "ingress_gb", "1000") == "0"


def test_storage_has_no_price_until_a_card_gives_one(acme: Caller) -> None:
    (found,) = used(acme, "a", unit="storage_gb_hour", quantity="720")
    assert (found["pricing"], found["costEntry"], found["warnings"][0]["code"]) == (
        "UNPRICED",
        None,
        "UNPRICED",
    )
    put(acme, "disk", {"unit": "storage_gb_hour", "price": "0.0001"}, model="storage_gb_hour")
    assert cost(acme, "b", "storage_gb_hour", "720") == "0.072"
    reprice = """mutation { reprice(input: {from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z",
      dryRun: false}) { counts { outcome operations } } }"""
    assert acme.get(reprice)["reprice"]["counts"] == [
        {"outcome": "SAME", "operations": 1},
        {"outcome": "SETTLED", "operations": 1},
    ]
    check = acme.get("{ ledgerCheck { ok findings { invariant expected actual } } }")["ledgerCheck"]
    assert check == {"ok": True, "findings": []}


def test_a_contract_and_a_caller_s_own_unit_cost_change_the_price(acme: Caller) -> None:
    put(
        acme,
        "deal",
        {"unit": "cpu_core_hour", "discountPercent": "50"},
        model="cpu_core_hour",
        budgetId="web",
    )
    assert cost(acme, "a", "cpu_core_hour", "10", budgetId="web") == "0.5"
    assert cost(acme, "b", "cpu_core_hour", "10") == "1"
    assert cost(acme, "c", "cpu_core_hour", "10", unitCost="0.123", budgetId="web") == "1.23"


def test_costs_divide_and_are_rolled_up_with_their_quantities(acme: Caller) -> None:
    used(acme, "box", sandbox=SANDBOX, userId="ada")
    used(acme, "out", unit="egress_gb", quantity="200", userId="ada", budgetId="web")
    record(acme, usage("call", budgetId="web", timestamp=AT, userId="bob"))
    divided = acme.get(DIVIDED, id="acme")["costBreakdown"]
    assert divided == {
        "llmCost": "0.0035",
        "sandboxCost": "6.14",
        "storageCost": "0",
        "dataTransferCost": "9",
        "totalCost": "15.1435",
        "operations": 6,
        "currency": "USD",
    }
    assert acme.get(DIVIDED, id="acme", user="bob")["costBreakdown"]["totalCost"] == "0.0035"
    assert acme.get(DIVIDED, id="nowhere")["costBreakdown"] is None
    text = """{ budget(budgetId: "acme") { rollup(by: [RESOURCE_TYPE]) {
      rows { keys { value } measures { units totalCost } } } } }"""
    rows = acme.get(text)["budget"]["rollup"]["rows"]
    assert {row["keys"][0]["value"]: Decimal(row["measures"]["units"]) for row in rows} == {
        "DataTransfer": 200,
        "SandboxGPU": 2,
        "SandboxCPU": 8,
        "SandboxMemory": 32,
        "SandboxDisk": 200,
        "LLMTokens": 0,
    }


def test_events_of_a_user_are_a_period_s_usage_newest_first(acme: Caller) -> None:
    for hour in range(3):
        at = f"2026-11-10T1{hour}:00:00Z"
        used(
            acme,
            f"op{hour}",
            unit="egress_gb",
            quantity="1",
            userId="ada",
            timestamp=at,
            metadata={"n": hour},
        )
    used(acme, "other", unit="egress_gb", quantity="1", userId="bob")
    span = {"from": "2026-11-10T10:00:00Z", "to": "2026-11-10T12:00:00Z"}
    nodes = acme.get(EVENTS, user="ada", **span)["usage"]["nodes"]
    assert [each["operationId"] for each in nodes] == ["op1", "op0"]
    assert nodes[0] == {
        "operationId": "op1",
        "resourceType": "DataTransfer",
        "quantity": "1",
        "unit": "egress_gb",
        "category": "DataTransfer",
        "tags": {"n": 1},
        "timestamp": "2026-11-10T11:00:00Z",
        "costEntry": {"totalCost": "0"},
    }


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "unit"),
        ({"unit": "egress_gb"}, "unit"),
        ({"unit": "love", "quantity": "1"}, "unit"),
        ({"unit": "egress_gb", "quantity": "1", "resourceType": "Storage"}, "resourceType"),
        ({"unit": "egress_gb", "quantity": "1", "resourceType": "Love"}, "resourceType"),
        ({"unit": "egress_gb", "quantity": "1", "sandbox": SANDBOX}, "unit"),
        ({"sandbox": {"durationHours": "1"}}, "sandbox"),
        ({"sandbox": {"cpuCores": "1"}}, "durationHours"),
        ({"sandbox": {**SANDBOX, "durationSeconds": "1"}}, "durationHours"),
        ({"sandbox": {**SANDBOX, "gpuType": "H900"}}, "gpuType"),
        ({"sandbox": {**SANDBOX, "gpuType": None}}, "gpuType"),
        ({"sandbox": {**SANDBOX, "cpuCores": "-1"}}, "cpuCores"),
        ({"sandbox": {**SANDBOX, "cpuCores": "many"}}, "cpuCores"),
    ],
)
def test_what_cannot_be_used_is_refused(acme: Caller, said: dict[str, Any], field: str) -> None:
    answer = acme.ask(RECORD, input={"operationId": "a", "agentId": "agent", **said})
    assert (answer.code, answer.field) == ("INVALID", field)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "0.0000000001"}, "quantity"),
        ({"quantity": "lots"}, "quantity"),
        ({"quantity": "1", "unitCost": "-1"}, "unitCost"),
    ],
)
def test_a_quantity_that_cannot_be_fails_alone(acme: Caller, said: dict[str, Any], field: str) -> None:
    (found,) = used(acme, "a", unit="egress_gb", **said)
    assert (found["code"], found["field"]) == ("INVALID", field)


def test_tokens_and_resources_are_recorded_apart(acme: Caller) -> None:
    (found,) = record(acme, usage("a", unit="egress_gb", quantity="1"))
    assert (found["code"], found["field"]) == ("INVALID", "promptTokens")
    said = {"operationId": "b", "agentId": "agent", "capabilityType": "transfer", "unit": "egress_gb"}
    (found,) = record(acme, said)
    assert found["field"] == "unit"
    (found,) = record(acme, {**said, "quantity": "1"})
    assert found["costEntry"]["totalCost"] == "0"
