"""Adjustments, temporary increases and carry-over through GraphQL."""

from collections.abc import Callable
from typing import Any

import pytest

from graph.database import Database
from tests.support.desk import us
from tests.support.reserving import held, reserve, settle
from tests.support.services import Caller, admin_of, budget, open_services, record, usage

ADJUST = """
mutation($input: AdjustUsageInput!) {
  adjustUsage(input: $input) {
    operationId duplicate
    costEntry { kind totalCost promptCost completionCost priceSource adjusts reason chargedAt }
  }
}
"""
INCREASE = """
mutation($input: IncreaseLimitInput!) {
  increaseLimit(input: $input) {
    amount increases { amount start end }
    limits { meter window increases { amount start end } }
    status { available limits { meter window amount available } }
  }
}
"""
ENTRIES = "{ usage { nodes { operationId costEntries { kind totalCost adjusts reason } } } }"
AVAILABLE = "query($id: ID!) { budget(budgetId: $id) { status { spent available } } }"
LATER = "2100-01-01T00:00:00Z"


def adjustment(key: str, change: str, kind: str = "REFUND", **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": key, "operationId": "op", "kind": kind, "change": change, **fields}


def standing(caller: Caller, budget_id: str) -> tuple[str, str]:
    status = caller.get(AVAILABLE, id=budget_id)["budget"]["status"]
    return status["spent"], status["available"]


def test_a_refund_names_what_it_adjusts_and_gives_the_window_its_money_back(admin: Caller) -> None:
    budget(admin, "acme", amount="1", recurrence="MONTHLY")
    record(admin, usage("op", budgetId="acme", timestamp="2026-01-10T00:00:00Z"))
    record(admin, usage("now", budgetId="acme"))
    said = adjustment("r", "-0.0014", reason="the model was down")
    found = admin.get(ADJUST, input=said)["adjustUsage"]
    assert found == {
        "operationId": "op",
        "duplicate": False,
        "costEntry": {
            "kind": "ADJUSTMENT",
            "totalCost": "-0.0014",
            "promptCost": "-0.001",
            "completionCost": "-0.0004",
            "priceSource": "refund",
            "adjusts": 1,
            "reason": "the model was down",
            "chargedAt": "2026-01-10T00:00:00Z",
        },
    }
    assert admin.get(ADJUST, input=said)["adjustUsage"] == {**found, "duplicate": True}
    assert standing(admin, "acme") == ("0.0035", "0.9965"), "the window of January was refunded"
    entries = {each["operationId"]: each["costEntries"] for each in admin.get(ENTRIES)["usage"]["nodes"]}
    assert [(each["kind"], each["adjusts"]) for each in entries["op"]] == [("USAGE", None), ("ADJUSTMENT", 1)]
    admin.get(ADJUST, input={**adjustment("s", "-0.0035", "CREDIT"), "operationId": "now"})
    assert standing(admin, "acme") == ("0", "1")
    assert admin.get("{ ledgerCheck { findings { invariant } } }")["ledgerCheck"]["findings"] == []


def test_an_operation_that_grew_is_adjusted_entry_by_entry(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    found = held(admin, "k", "acme", amount="0.5")["reservationId"]
    settle(admin, found, usage("op", completionTokens=100), final=False)
    settle(admin, found, usage("op", completionTokens=300))
    answer = admin.get(ADJUST, input=adjustment("a", "-0.002", entry=2))["adjustUsage"]
    assert answer["costEntry"]["adjusts"] == 2
    refused = admin.ask(ADJUST, input=adjustment("b", "-0.001", entry=2))
    assert (refused.code, refused.field) == ("INVALID", "change")
    answer = admin.ask(ADJUST, input=adjustment("c", "-0.001", entry=3))
    assert answer.code == "NOT_FOUND", "an adjustment is not adjusted"
    assert standing(admin, "acme") == ("0.0035", "0.9965")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (adjustment("k", "0.1"), "INVALID", "change"),
        (adjustment("k", "0.1", "CREDIT"), "INVALID", "change"),
        (adjustment("k", "0", "CORRECTION"), "INVALID", "change"),
        (adjustment("k", "-0.0037"), "INVALID", "change"),
        (adjustment("k", "much"), "INVALID", "change"),
        (adjustment("k", "-0.001", entry=0), "NOT_FOUND", "operationId"),
        ({**adjustment("k", "-0.001"), "operationId": "nothing"}, "NOT_FOUND", "operationId"),
        (adjustment("taken", "-0.0002"), "CONFLICT", "idempotencyKey"),
    ],
)
def test_what_cannot_be_adjusted_is_said(admin: Caller, said: dict[str, Any], code: str, field: str) -> None:
    budget(admin, "acme", amount="1")
    record(admin, usage("op", budgetId="acme"))
    admin.get(ADJUST, input=adjustment("taken", "0.0001", "CORRECTION"))
    answer = admin.ask(ADJUST, input=said)
    assert (answer.code, answer.field) == (code, field)


def test_a_key_of_another_subtree_cannot_repeat_an_adjustment_to_read_it(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    budget(admin, "other", amount="1")
    record(admin, usage("op", budgetId="acme"))
    said = adjustment("r", "-0.001", reason="secret")
    admin.get(ADJUST, input=said)
    assert admin.confined("other").ask(ADJUST, input=said).code == "NOT_FOUND"
    assert admin.confined("acme").get(ADJUST, input=said)["adjustUsage"]["duplicate"] is True


def increase(key: str, amount: str, **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": key, "budgetId": "acme", "amount": amount, "until": LATER, **fields}


def test_a_temporary_increase_makes_room_and_is_shown(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    assert reserve(admin, "a", "acme", amount="1.5")["__typename"] == "BudgetExceeded"
    answer = admin.get(INCREASE, input=increase("i", "0.5"))["increaseLimit"]
    assert answer["amount"] == "1"
    assert [(each["amount"], each["end"]) for each in answer["increases"]] == [("0.5", LATER)]
    assert answer["status"]["available"] == "1.5"
    assert admin.get(INCREASE, input=increase("i", "0.5"))["increaseLimit"] == answer
    assert held(admin, "a", "acme", amount="1.5")["state"] == "HELD"
    assert reserve(admin, "b", "acme", amount="0.01")["__typename"] == "BudgetExceeded"


def test_a_limit_is_named_by_what_it_meters(admin: Caller) -> None:
    limits = [
        {"meter": "TOKENS", "window": "DAY", "amount": "100"},
        {"meter": "LEVEL", "amount": "1", "resource": "agents", "each": "USER"},
    ]
    budget(admin, "acme", limits=limits)
    answer = admin.get(INCREASE, input=increase("i", "50", meter="TOKENS", window="DAY"))["increaseLimit"]
    (tokens,) = [each for each in answer["limits"] if each["meter"] == "TOKENS"]
    assert [each["amount"] for each in tokens["increases"]] == ["50"]
    (status,) = [each for each in answer["status"]["limits"] if each["meter"] == "TOKENS"]
    assert (status["amount"], status["available"]) == ("150", "150")
    assert held(admin, "a", "acme", promptTokens=150)["state"] == "HELD"
    level = {"meter": "LEVEL", "resource": "agents", "each": "USER"}
    admin.get(INCREASE, input=increase("j", "1", **level))
    for number in range(2):
        held(admin, f"l{number}", "acme", userId="ann")
    assert reserve(admin, "l2", "acme", userId="ann")["__typename"] == "BudgetExceeded"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (increase("i", "1", until="2020-01-01T00:00:00Z"), "INVALID", "until"),
        (increase("i", "1", until="tomorrow"), "INVALID", "until"),
        (increase("i", "-1"), "INVALID", "amount"),
        (increase("i", "1", window="DAY"), "INVALID", "meter"),
        (increase("i", "1.5", meter="TOKENS", window="DAY"), "INVALID", "amount"),
        (increase("i", "1", meter="TOKENS", window="WEEK"), "NOT_FOUND", "meter"),
        (increase("taken", "2"), "CONFLICT", "idempotencyKey"),
        ({**increase("i", "1"), "budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
    ],
)
def test_what_cannot_be_increased_is_said(admin: Caller, said: dict[str, Any], code: str, field: str) -> None:
    budget(admin, "acme", amount="1")
    admin.get(INCREASE, input=increase("taken", "1"))
    answer = admin.ask(INCREASE, input=said)
    assert (answer.code, answer.field) == (code, field)


@pytest.mark.parametrize("each", ["PROJECT", "TASK", "CATEGORY"])
def test_a_limit_for_each_of_what_no_operation_has_is_refused(admin: Caller, each: str) -> None:
    said = {"meter": "COST", "window": "DAY", "amount": "1", "each": each}
    answer = admin.ask(
        "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }",
        input={"budgetId": "acme", "budgetType": "PROJECT", "limits": [said]},
    )
    assert (answer.code, answer.field) == ("INVALID", "limits")


class Turning:
    """A clock that a test turns."""

    def __init__(self, text: str) -> None:
        self.now_us = us(text)

    def __call__(self) -> int:
        return self.now_us


def test_what_a_period_leaves_is_carried_over_up_to_the_cap(database: Database, tenant: str) -> None:
    clock: Callable[[], int] = (turning := Turning("2026-11-23T12:00:00"))
    with open_services(database, clock) as services:
        admin = admin_of(services, tenant)
        budget(admin, "acme", amount="10", recurrence="DAILY", carryOverCap="5")
        budget(admin, "plain", amount="10", recurrence="DAILY")
        for number, name in enumerate(("acme", "plain")):
            record(admin, usage(f"op{number}", budgetId=name, providerCost="7", modelId=None))
        assert standing(admin, "acme") == ("7", "3")
        turning.now_us = us("2026-11-24T12:00:00")
        # Nothing was charged yet on this day: what it will be carried shows all the same.
        assert standing(admin, "acme") == ("0", "13")
        assert standing(admin, "plain") == ("0", "10")
        refused = reserve(admin, "a", "acme", amount="13.01")
        assert [each["available"] for each in refused["violations"]] == ["13"]
        assert held(admin, "b", "acme", amount="13")["state"] == "HELD"
        turning.now_us = us("2026-11-27T12:00:00")
        assert standing(admin, "acme") == ("0", "15"), "two idle days leave more than the cap"
        change = "mutation($input: UpdateBudgetInput!) { updateBudget(input: $input) { carryOverCap } }"
        changed = admin.get(change, input={"budgetId": "acme", "carryOverCap": "2.5"})
        assert changed["updateBudget"] == {"carryOverCap": "2.5"}
        changed = admin.get(change, input={"budgetId": "acme", "carryOverCap": None})
        assert changed["updateBudget"] == {"carryOverCap": None}
