"""``/api/v1/budgets/user/…/project/…``: the source's keys, exact numbers, every violation; both engines."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.server.test_doors import CREATE_BUDGET, new_key
from tests.server.test_quotas import steady
from tests.server.test_rest_reservations import called, reserve
from tests.support.servers import Client, ServerProcess

SAMPLE = {
    "total_balance": 100.00,
    "available_balance": 75.50,
    "reserved_amount": 5.00,
    "spent_today": 19.50,
    "spent_this_month": 250.00,
    "spent_total": 1500.00,
    "daily_limit": 50.00,
    "monthly_limit": 1000.00,
    "per_request_limit": 5.00,
}
"""003:438-450. It fixes keys and types; its sums do not add up."""
FLAGS = {"daily_limit_reached", "monthly_limit_reached", "low_balance"}
TOP_UP = "mutation($input: TopUpInput!) { topUp(input: $input) { budgetId } }"
LIMITS = [
    {"meter": "COST", "window": "DAY", "amount": "50"},
    {"meter": "COST", "window": "MONTH", "amount": "1000"},
    {"meter": "COST", "window": "REQUEST", "amount": "5"},
]


def project(client: Client, name: str, **fields: Any) -> None:
    client.data(CREATE_BUDGET, input={"budgetId": name, "budgetType": "PROJECT", **fields})


def user(client: Client, name: str, user_id: str, **fields: Any) -> None:
    said = {"budgetId": f"{name}-{user_id}", "parentBudgetId": name, "budgetType": "USER"}
    client.data(CREATE_BUDGET, input={**said, "resourceId": user_id, **fields})


def top_up(client: Client, budget_id: str, amount: str) -> None:
    said = {"idempotencyKey": f"{budget_id}-{amount}", "budgetId": budget_id, "amount": amount}
    client.data(TOP_UP, input=said)


def spend(client: Client, name: str, user_id: str | None, cost: str, **fields: Any) -> None:
    said = {"budget_id": name, "provider_cost": cost, "user_id": user_id, "timestamp": None, **fields}
    row = called(name, f"{name}-{user_id}-{cost}-{fields}", **said)
    answer = client.post("/v1/usage", json=row)
    assert answer.status_code == 201, answer.text


def get(client: Client, name: str, what: str, user_id: str = "ann", **params: str) -> httpx.Response:
    return client.get(f"/api/v1/budgets/user/{user_id}/project/{name}/{what}", params=params)


def exact(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def check(client: Client, name: str, amount: Any, user_id: str = "ann", **said: Any) -> Any:
    path = f"/api/v1/budgets/user/{user_id}/project/{name}/check"
    return exact(client.post(path, json={"requested_amount": amount, **said}))


def test_a_status_has_the_sample_s_keys_and_types_and_the_flags(client: Client, name: str) -> None:
    steady()
    project(client, name, limits=LIMITS, lowBalanceThreshold="80")
    spend(client, name, "ann", "1.5", timestamp="2026-01-01T00:00:00Z")
    top_up(client, name, "100")
    spend(client, name, "ann", "19.500000001")
    spend(client, name, "bob", "3")
    assert reserve(client, name, name, amount="5").status_code == 201
    answer = get(client, name, "status")
    assert answer.headers["cache-control"] == "private, max-age=30"
    body = exact(answer)
    assert body.keys() == SAMPLE.keys() | FLAGS
    assert all(isinstance(body[key], int | Decimal) for key in SAMPLE)
    assert all(isinstance(body[key], bool) for key in FLAGS)
    assert body == {
        "total_balance": Decimal("77.499999999"),
        "available_balance": Decimal("72.499999999"),
        "reserved_amount": 5,
        "spent_today": Decimal("19.500000001"),
        "spent_this_month": Decimal("19.500000001"),
        "spent_total": Decimal("21.000000001"),
        "daily_limit": 50,
        "monthly_limit": 1000,
        "per_request_limit": 5,
        "daily_limit_reached": False,
        "monthly_limit_reached": False,
        "low_balance": True,
    }
    assert exact(get(client, name, "balance")) == {
        "available_balance": Decimal("72.499999999"),
        "currency": "USD",
    }


def test_a_user_s_own_budget_below_the_project_has_the_limits_and_the_wallet(
    client: Client, name: str
) -> None:
    steady()
    project(client, name, limits=LIMITS)
    top_up(client, name, "1000")
    user(client, name, "ann", limits=[{"meter": "COST", "window": "DAY", "amount": "10"}])
    top_up(client, f"{name}-ann", "40")
    spend(client, name, "ann", "10")
    spend(client, name, "bob", "7")
    spend(client, name, None, "2")
    ann, bob, eve = (exact(get(client, name, "status", user_id)) for user_id in ("ann", "bob", "eve"))
    assert (ann["total_balance"], ann["spent_total"], ann["daily_limit"]) == (30, 10, 10)
    assert (ann["daily_limit_reached"], ann["monthly_limit"], ann["per_request_limit"]) == (True, None, None)
    assert (bob["total_balance"], bob["spent_total"], bob["daily_limit"]) == (981, 7, 50)
    assert (eve["total_balance"], eve["spent_total"], eve["daily_limit_reached"]) == (981, 0, False)


def test_without_a_wallet_the_amount_is_the_balance_and_without_both_there_is_none(
    client: Client, name: str
) -> None:
    project(client, name, amount="20", recurrence="MONTHLY")
    spend(client, name, "ann", "4")
    body = exact(get(client, name, "status"))
    assert (body["total_balance"], body["available_balance"], body["monthly_limit"]) == (16, 16, 20)
    project(client, f"{name}-free")
    body = exact(get(client, f"{name}-free", "status"))
    assert (body["total_balance"], body["available_balance"], body["reserved_amount"]) == (None, None, 0)
    assert [body[key] for key in ("daily_limit", "monthly_limit", "per_request_limit")] == [None] * 3
    assert [body[key] for key in sorted(FLAGS)] == [False] * 3
    free = check(client, f"{name}-free", 1e9)
    assert (free["available"], free["sufficient"], free["available_balance"]) == (True, True, None)


def test_spending_is_of_the_running_period(client: Client, name: str) -> None:
    steady()
    project(client, name, timezone="Asia/Kathmandu")
    spend(client, name, "ann", "1", timestamp="2025-01-01T00:00:00Z")
    spend(client, name, "ann", "2.000000001")
    spend(client, name, "ann", "3")
    spend(client, name, "bob", "5")
    for period in ("hourly", "daily", "weekly", "monthly", "yearly"):
        answer = get(client, name, f"spending/{period}")
        assert answer.headers["cache-control"] == "private, max-age=30"
        body = exact(answer)
        start, end = (datetime.fromisoformat(body.pop(each)) for each in ("start", "end"))
        assert start <= datetime.now(UTC) < end
        assert body == {
            "period": period,
            "total_spent": Decimal("5.000000001"),
            "request_count": 2,
            "currency": "USD",
        }
        assert (start.minute, start.second) == (15, 0), "days and hours of Kathmandu begin at a quarter"
    wrong = get(client, name, "spending/fortnightly")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "period")


def test_a_check_names_every_violation_in_the_source_s_order(client: Client, name: str) -> None:
    steady()
    project(client, name, limits=LIMITS)
    top_up(client, name, "60")
    spend(client, name, "ann", "48")
    for _ in range(2):  # it holds nothing
        assert check(client, name, 2) == {
            "available": True,
            "sufficient": True,
            "requested_amount": 2,
            "available_balance": 12,
            "violations": [],
        }
    found = check(client, name, "2000")
    assert (found["available"], found["sufficient"]) == (False, False)
    assert [each["type"] for each in found["violations"]] == [
        "insufficient_balance",
        "per_request_limit",
        "daily_limit",
        "monthly_limit",
    ]
    for each in found["violations"]:
        assert each.keys() == {"type", "limit", "current", "requested", "message"}
        assert each["requested"] == 2000
        assert each["current"] + each["requested"] > each["limit"]
    assert [(each["limit"], each["current"]) for each in found["violations"]] == [
        (60, 48),
        (5, 0),
        (50, 48),
        (1000, 48),
    ]
    assert found["violations"][2]["message"] == "Daily cost quota exceeded: 48 / 50"
    just = check(client, name, Decimal("2.000000001").__str__())
    assert [each["type"] for each in just["violations"]] == ["daily_limit"]
    assert (just["available"], just["sufficient"]) == (False, True)
    assert reserve(client, name, name, amount="2").status_code == 201
    assert not check(client, name, 0.000000001)["available"], "what is held counts"


def test_a_policy_makes_limits_tighter_and_never_looser(client: Client, name: str) -> None:
    steady()
    project(client, name, limits=LIMITS)
    spend(client, name, "ann", "10")
    policy = {"per_request_limit": 0.5, "daily_limit": "10.25", "monthly_limit": 10}
    found = check(client, name, 0.25, policy=policy)["violations"]
    assert [(each["type"], each["limit"], each["current"]) for each in found] == [("monthly_limit", 10, 10)]
    found = check(client, name, 0.75, policy=policy)["violations"]
    assert [each["type"] for each in found] == ["per_request_limit", "daily_limit", "monthly_limit"]
    loose = {"per_request_limit": 1000, "daily_limit": 1000, "monthly_limit": 100000}
    found = check(client, name, 6, policy=loose)["violations"]
    assert [(each["type"], each["limit"]) for each in found] == [("per_request_limit", 5)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "requested_amount"),
        ({"requested_amount": -1}, "requested_amount"),
        ({"requested_amount": True}, "requested_amount"),
        ({"requested_amount": "much"}, "requested_amount"),
        ({"requested_amount": 0.0000000001}, "requested_amount"),
        ({"requested_amount": 1e300}, "requested_amount"),
        ({"requested_amount": 1, "policy": {"weekly_limit": 1}}, "policy.weekly_limit"),
        ({"requested_amount": 1, "policy": {"daily_limit": -1}}, "policy.daily_limit"),
        ({"requested_amount": 1, "amount": 1}, "amount"),
    ],
)
def test_what_cannot_be_checked_is_named(client: Client, name: str, body: dict[str, Any], field: str) -> None:
    project(client, name)
    answer = client.post(f"/api/v1/budgets/user/ann/project/{name}/check", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_decision_is_never_made_on_a_balance_that_was_kept(client: Client, name: str) -> None:
    project(client, name)
    top_up(client, name, "10")
    assert exact(get(client, name, "balance"))["available_balance"] == 10
    spend(client, name, "ann", "9")
    answer = client.post(f"/api/v1/budgets/user/ann/project/{name}/check", json={"requested_amount": 2})
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.json()["available"]
    assert reserve(client, name, name, amount="2").status_code == 402
    assert exact(get(client, name, "balance"))["available_balance"] == 1


def test_a_project_that_is_not_there_or_not_to_be_seen_is_the_same(
    client: Client, server: ServerProcess, name: str
) -> None:
    project(client, name, resourceId=f"{name}/with/slashes")
    client.data(CREATE_BUDGET, input={"budgetId": f"{name}-task", "budgetType": "TASK"})
    client.data(
        CREATE_BUDGET, input={"budgetId": f"{name}-x", "parentBudgetId": name, "budgetType": "CUSTOM"}
    )
    assert get(client, f"{name}/with/slashes", "balance", "ann/of/us").status_code == 200
    confined = new_key(client, role="ADMIN", budgetId=f"{name}-x")
    with server.client(confined) as other:
        for caller, unseen in (
            (client, "nowhere"),
            (client, f"{name}-task"),
            (other, f"{name}/with/slashes"),
        ):
            for what in ("balance", "status", "spending/daily"):
                answer = get(caller, unseen, what)
                assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    project(client, f"{name}-twin", resourceId=f"{name}/with/slashes")
    several = get(client, f"{name}/with/slashes", "status")
    assert (several.status_code, several.json()["field"]) == (409, "budget_id")
    one = get(client, f"{name}/with/slashes", "status", budget_id=f"{name}-twin")
    assert one.status_code == 200


def test_the_wallet_is_in_the_status_of_the_budget(client: Client, name: str) -> None:
    project(client, name, lowBalanceThreshold="0.5")
    assert client.get(f"/v1/budgets/{name}/status").json()["wallet"] is None
    top_up(client, name, "1")
    spend(client, name, "ann", "0.75")
    wallet = client.get(f"/v1/budgets/{name}/status").json()["wallet"]
    assert wallet.pop("since").endswith("Z")
    assert wallet == {
        "balance": "0.25",
        "available": "0.25",
        "reserved": "0",
        "topped_up": "1",
        "spent": "0.75",
        "forced": "0",
        "low_balance_threshold": "0.5",
        "low_balance": True,
    }
