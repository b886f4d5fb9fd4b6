"""Budgets through GraphQL: created, changed, read; every refusal with its code and the field at fault."""

from typing import Any

import pytest

from ledger.access import Role
from tests.support.services import CREATE_BUDGET, Caller, budget, record, usage

UPDATE = """
mutation($input: UpdateBudgetInput!) {
  updateBudget(input: $input) {
    budgetId name amount recurrence timezone warningThreshold priority periodStart periodEnd resourceId
    limits { meter window amount enforcement resource each }
  }
}
"""
MOVE = """
mutation($id: ID!, $to: ID) {
  moveBudget(budgetId: $id, newParentBudgetId: $to) { budgetId parent { budgetId } ancestors { budgetId } }
}
"""
CLOSE = "mutation($id: ID!) { closeBudget(budgetId: $id) { budgetId closedAt status { state } } }"
STATUS = """
query($id: ID!) {
  budget(budgetId: $id) {
    status {
      spent reserved forced available effectiveAvailable utilization state windowStart windowEnd
      limits { meter window enforcement resource amount spent available utilization }
    }
  }
}
"""
PAGE = """
query($first: Int!, $after: String, $rootsOnly: Boolean!) {
  budgets(first: $first, after: $after, rootsOnly: $rootsOnly) {
    nodes { budgetId }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def status(caller: Caller, budget_id: str) -> Any:
    return caller.get(STATUS, id=budget_id)["budget"]["status"]


def test_a_budget_is_what_was_said(admin: Caller) -> None:
    said = {
        "budgetId": "acme",
        "name": "Acme",
        "amount": "1000.50",
        "currency": "USDC",
        "budgetType": "TEAM",
        "resourceId": "team-7",
        "periodStart": "2026-01-01T00:00:00+01:00",
        "periodEnd": "2027-01-01T00:00:00Z",
        "recurrence": "MONTHLY",
        "timezone": "Europe/Berlin",
        "warningThreshold": 0.75,
        "priority": 3,
        "limits": [
            {"meter": "TOKENS", "window": "DAY", "amount": "1000000", "enforcement": "SOFT"},
            {"meter": "COST", "window": "HOUR", "amount": "2.50"},
            {"meter": "LEVEL", "amount": "50", "resource": "agents", "each": "USER"},
        ],
    }
    admin.get(CREATE_BUDGET, input=said)
    shown = admin.get(
        """{ budget(budgetId: "acme") {
          budgetId name amount currency budgetType resourceId periodStart periodEnd recurrence timezone
          warningThreshold priority closedAt limits { meter window amount enforcement resource each }
        } }"""
    )["budget"]
    limits = [
        {
            "meter": "TOKENS",
            "window": "DAY",
            "amount": "1000000",
            "enforcement": "SOFT",
            "resource": None,
            "each": None,
        },
        {
            "meter": "COST",
            "window": "HOUR",
            "amount": "2.5",
            "enforcement": "HARD",
            "resource": None,
            "each": None,
        },
        {
            "meter": "LEVEL",
            "window": None,
            "amount": "50",
            "enforcement": "HARD",
            "resource": "agents",
            "each": "USER",
        },
    ]
    shown["limits"].sort(key=lambda limit: ["TOKENS", "COST", "LEVEL"].index(limit["meter"]))
    assert shown == {
        **said,
        "amount": "1000.5",
        "periodStart": "2025-12-31T23:00:00Z",
        "closedAt": None,
        "limits": limits,
    }


def test_the_same_budget_again_is_the_same_and_another_is_a_conflict(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    budget(admin, "acme", amount="10.00")
    answer = admin.ask(CREATE_BUDGET, input={"budgetId": "acme", "budgetType": "PROJECT", "amount": "11"})
    assert (answer.code, answer.field) == ("CONFLICT", "budgetId")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"amount": "-1"}, "INVALID", "amount"),
        ({"amount": "1e30"}, "AMOUNT_OUT_OF_RANGE", "amount"),
        ({"amount": "much"}, "INVALID", "amount"),
        ({"amount": "0.0000000001"}, "INVALID", "amount"),
        ({"amount": "NaN"}, "INVALID", "amount"),
        ({"amount": 12.5}, "INVALID", None),
        ({"currency": "EUR"}, "CURRENCY_MISMATCH", "currency"),
        ({"currency": "euros!"}, "INVALID", "currency"),
        ({"parentBudgetId": "nobody"}, "NOT_FOUND", "parentBudgetId"),
        (
            {"periodStart": "2026-02-01T00:00:00Z", "periodEnd": "2026-01-01T00:00:00Z"},
            "INVALID",
            "periodEnd",
        ),
        ({"periodStart": "2026-02-01T00:00:00"}, "INVALID", "periodStart"),
        ({"periodStart": "soon"}, "INVALID", "periodStart"),
        ({"timezone": "Mars/Olympus"}, "INVALID", "timezone"),
        ({"warningThreshold": 0}, "INVALID", "warningThreshold"),
        ({"warningThreshold": 1.5}, "INVALID", "warningThreshold"),
        ({"budgetId": ""}, "INVALID", "budgetId"),
        ({"budgetId": "a\nb"}, "INVALID", "budgetId"),
        ({"budgetId": "x" * 257}, "INVALID", "budgetId"),
        ({"recurrence": "SOMETIMES"}, "INVALID", None),
        ({"budgetType": "project"}, "INVALID", None),
        ({"limits": [{"meter": "SIZE", "window": "DAY", "amount": "1"}]}, "INVALID", "limits"),
        ({"limits": [{"meter": "TOKENS", "window": "DAY", "amount": "1.5"}]}, "INVALID", "limits"),
        ({"limits": [{"meter": "LEVEL", "amount": "1"}]}, "INVALID", "limits"),
        ({"limits": [{"meter": "COST", "window": "DAY", "amount": "-1"}]}, "INVALID", "limits"),
    ],
)
def test_bad_input_is_refused_with_its_code_and_field(
    admin: Caller, said: dict[str, Any], code: str, field: str | None
) -> None:
    budget(admin, "acme")
    answer = admin.ask(
        CREATE_BUDGET,
        input={"budgetId": "child", "parentBudgetId": "acme", "budgetType": "PROJECT", **said},
    )
    assert (answer.code, answer.field) == (code, field)
    assert answer.data is None
    assert admin.get('{ budget(budgetId: "child") { budgetId } }')["budget"] is None


def test_a_child_larger_than_its_parent_is_allowed_with_a_warning(admin: Caller) -> None:
    budget(admin, "acme", amount="100")
    said = {"budgetId": "big", "parentBudgetId": "acme", "budgetType": "PROJECT", "amount": "100.01"}
    text = (
        "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { warnings { code budgetId } } }"
    )
    warned = admin.get(text, input=said)["createBudget"]["warnings"]
    assert warned == [{"code": "LARGER_THAN_PARENT", "budgetId": "big"}]
    equal = admin.get(text, input={**said, "budgetId": "equal", "amount": "100"})
    assert equal["createBudget"]["warnings"] == []


def test_an_update_changes_what_it_names_and_nothing_else(admin: Caller) -> None:
    budget(admin, "acme", amount="100", name="Acme", priority=1)
    changed = admin.get(UPDATE, input={"budgetId": "acme", "amount": "250", "warningThreshold": 0.5})
    assert changed["updateBudget"]["amount"] == "250"
    assert changed["updateBudget"]["warningThreshold"] == 0.5
    assert changed["updateBudget"]["name"] == "Acme"
    assert changed["updateBudget"]["priority"] == 1


def test_an_explicit_null_removes_what_may_be_absent(admin: Caller) -> None:
    budget(
        admin,
        "acme",
        amount="100",
        name="Acme",
        priority=1,
        resourceId="r",
        periodEnd="2030-01-01T00:00:00Z",
    )
    said = {"name": None, "amount": None, "priority": None, "resourceId": None, "periodEnd": None}
    changed = admin.get(UPDATE, input={"budgetId": "acme", **said})["updateBudget"]
    assert {name: changed[name] for name in said} == said


@pytest.mark.parametrize("name", ["recurrence", "timezone", "warningThreshold", "limits"])
def test_what_cannot_be_absent_cannot_be_removed(admin: Caller, name: str) -> None:
    budget(admin, "acme")
    answer = admin.ask(UPDATE, input={"budgetId": "acme", name: None})
    assert (answer.code, answer.field) == ("INVALID", name)


def test_limits_are_replaced_as_a_whole(admin: Caller) -> None:
    budget(admin, "acme", amount="1", limits=[{"meter": "COST", "window": "DAY", "amount": "5"}])
    said = [{"meter": "REQUESTS", "window": "MINUTE", "amount": "100"}]
    changed = admin.get(UPDATE, input={"budgetId": "acme", "limits": said})["updateBudget"]
    assert [(each["meter"], each["amount"]) for each in changed["limits"]] == [("REQUESTS", "100")]


def test_a_move_shows_at_once_and_refuses_cycles(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "task", "web")
    budget(admin, "other", "acme")
    moved = admin.get(MOVE, id="task", to="other")["moveBudget"]
    assert [each["budgetId"] for each in moved["ancestors"]] == ["other", "acme"]
    assert admin.ask(MOVE, id="acme", to="task").code == "CYCLE"
    assert admin.ask(MOVE, id="task", to="nobody").code == "NOT_FOUND"
    assert admin.get(MOVE, id="task", to=None)["moveBudget"]["parent"] is None


def test_a_closed_budget_stays_closed_and_takes_no_changes(admin: Caller) -> None:
    budget(admin, "acme")
    closed = admin.get(CLOSE, id="acme")["closeBudget"]
    assert closed["closedAt"] is not None
    assert closed["status"]["state"] == "CLOSED"
    assert admin.get(CLOSE, id="acme")["closeBudget"] == closed
    assert admin.ask(UPDATE, input={"budgetId": "acme", "amount": "1"}).code == "BUDGET_CLOSED"
    child = {"budgetId": "child", "parentBudgetId": "acme", "budgetType": "TASK"}
    assert admin.ask(CREATE_BUDGET, input=child).code == "BUDGET_CLOSED"
    assert admin.ask(CLOSE, id="nobody").code == "NOT_FOUND"


def test_status_tells_what_is_spent_and_left_here_and_above(admin: Caller) -> None:
    budget(admin, "acme", amount="0.005")
    budget(
        admin, "web", "acme", amount="1", limits=[{"meter": "TOKENS", "window": "LIFETIME", "amount": "2200"}]
    )
    record(admin, usage("one", budgetId="web"))
    shown = status(admin, "web")
    assert (shown["spent"], shown["reserved"], shown["forced"]) == ("0.0035", "0", "0")
    assert (shown["available"], shown["effectiveAvailable"]) == ("0.9965", "0.0015")
    assert (shown["utilization"], shown["state"]) == (0.0035, "OK")
    assert [(each["meter"], each["amount"], each["spent"]) for each in shown["limits"]] == [
        ("COST", "1", "0.0035"),
        ("TOKENS", "2200", "1100"),
    ]
    assert shown["limits"][1]["utilization"] == 0.5
    record(admin, usage("two", budgetId="web"))
    assert status(admin, "acme")["state"] == "EXCEEDED"
    assert status(admin, "acme")["available"] == "-0.002"


def test_a_budget_that_only_tracks_has_nothing_available(admin: Caller) -> None:
    budget(admin, "acme")
    record(admin, usage("one", budgetId="acme"))
    shown = status(admin, "acme")
    assert (shown["spent"], shown["state"]) == ("0.0035", "OK")
    assert (shown["available"], shown["effectiveAvailable"], shown["utilization"]) == (None, None, None)
    assert shown["limits"] == []


def test_a_recurring_budget_shows_its_own_window(admin: Caller) -> None:
    budget(admin, "acme", amount="1", recurrence="DAILY", timezone="Asia/Kolkata")
    shown = status(admin, "acme")
    assert shown["windowStart"].endswith("T18:30:00Z")
    assert shown["windowEnd"].endswith("T18:30:00Z")


def test_rollups_of_several_budgets_and_shapes(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    record(
        admin,
        usage("one", budgetId="web", agentId="ann"),
        usage("two", budgetId="acme", agentId="bob", modelId="no-such-model", provider="nobody"),
    )
    shown = admin.get(
        """{
          acme: budget(budgetId: "acme") {
            rollup(by: [BUDGET, AGENT]) {
              total { operations totalCost } own { operations totalCost }
              rows { keys { dimension value } start measures { operations totalCost } }
            }
          }
          web: budget(budgetId: "web") {
            rollup { total { operations promptTokens totalTokens } rows { start } }
          }
        }"""
    )
    rollup = shown["acme"]["rollup"]
    assert rollup["total"] == {"operations": 2, "totalCost": "0.0035"}
    assert rollup["own"] == {"operations": 1, "totalCost": "0"}
    assert [
        ([each["value"] for each in row["keys"]], row["measures"]["totalCost"]) for row in rollup["rows"]
    ] == [
        (["web", "ann"], "0.0035"),
        ([None, "bob"], "0"),
    ]
    assert shown["web"]["rollup"] == {
        "total": {"operations": 1, "promptTokens": 1000, "totalTokens": 1100},
        "rows": [],
    }


def test_one_bad_rollup_does_not_spoil_the_others(admin: Caller) -> None:
    budget(admin, "acme")
    answer = admin.ask(
        """{
          good: budget(budgetId: "acme") { rollup { total { operations } } }
          bad: budget(budgetId: "acme") { rollup(granularity: DAY, from: "2026-01-01T00:30:00Z") { asOf } }
          zone: budget(budgetId: "acme") { rollup(granularity: DAY, timezone: "Mars/Olympus") { asOf } }
          when: budget(budgetId: "acme") { rollup(from: "yesterday") { asOf } }
        }"""
    )
    assert answer.data == {
        "good": {"rollup": {"total": {"operations": 0}}},
        "bad": None,
        "zone": None,
        "when": None,
    }
    assert {error["path"][0]: error["extensions"] for error in answer.errors} == {
        "bad": {"code": "INVALID", "field": "from"},
        "zone": {"code": "INVALID", "field": "timezone"},
        "when": {"code": "INVALID", "field": "from"},
    }


def pages(caller: Caller, first: int, *, roots_only: bool = False) -> list[list[str]]:
    """The ids of page after page."""
    found: list[list[str]] = []
    after = None
    while True:
        page = caller.get(PAGE, first=first, after=after, rootsOnly=roots_only)["budgets"]
        found.append([node["budgetId"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_pages_of_budgets_hold_each_once(admin: Caller) -> None:
    budget(admin, "acme")
    for number in range(5):
        budget(admin, f"web/{number}", "acme")
    assert pages(admin, 3) == [
        ["acme", "unattributed", "web/0"],
        ["web/1", "web/2", "web/3"],
        ["web/4"],
    ]
    assert pages(admin, 50, roots_only=True) == [["acme", "unattributed"]]


def test_a_tenant_without_anything_has_an_empty_page(admin: Caller) -> None:
    page = admin.get(PAGE, first=5, after=None, rootsOnly=False)["budgets"]
    assert page == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def test_children_come_by_id_and_in_pages_too(admin: Caller) -> None:
    budget(admin, "acme")
    for name in ("b", "a", "c"):
        budget(admin, name, "acme")
    shown = admin.get(
        """{ budget(budgetId: "acme") {
          childCount all: children { budgetId } two: children(first: 2) { budgetId }
          rest: children(after: "b") { budgetId }
        } }"""
    )["budget"]
    assert shown["childCount"] == 3
    assert [[each["budgetId"] for each in shown[name]] for name in ("all", "two", "rest")] == [
        ["a", "b", "c"],
        ["a", "b"],
        ["c"],
    ]


def test_a_confined_key_sees_nothing_above_its_own_budget(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    budget(admin, "web", "acme", amount="5")
    budget(admin, "task", "web", amount="7")
    key = admin.confined("web")
    shown = key.get(
        """{ budget(budgetId: "task") {
          parent { budgetId parent { budgetId } } ancestors { budgetId } warnings { code }
          status { effectiveAvailable }
        } }"""
    )["budget"]
    assert shown["parent"] == {"budgetId": "web", "parent": None}
    assert shown["ancestors"] == [{"budgetId": "web"}]
    assert shown["status"] == {"effectiveAvailable": "5"}
    assert key.get('{ budget(budgetId: "web") { warnings { code } } }')["budget"]["warnings"] == []
    assert pages(key, 50) == [["task", "web"]]
    assert pages(key, 50, roots_only=True) == [["web"]]


def test_the_check_agrees_and_is_for_operators(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    record(admin, usage("one", budgetId="acme"))
    text = "query($id: ID) { ledgerCheck(budgetId: $id) { ok findings { invariant } } }"
    assert admin.get(text) == {"ledgerCheck": {"ok": True, "findings": []}}
    assert admin.get(text, id="acme")["ledgerCheck"]["ok"] is True
    assert admin.ask(text, id="nobody").code == "NOT_FOUND"
    assert admin.as_role(Role.VIEWER).ask(text).code == "FORBIDDEN"
