"""``/v1/reservations`` on real servers, on both engines, and the sweeper behind it."""

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.server.test_doors import CREATE_BUDGET, new_key
from tests.server.test_rest_usage import usage
from tests.support.servers import Client, ServerProcess, eventually

PROBLEM = "application/problem+json"


def make(client: Client, budget_id: str, parent: str | None = None, **fields: Any) -> None:
    said = {"budgetId": budget_id, "parentBudgetId": parent, "budgetType": "CUSTOM", **fields}
    client.data(CREATE_BUDGET, input=said)


def wanted(key: str, budget_id: str, **fields: Any) -> dict[str, Any]:
    return {"idempotency_key": key, "agent_id": f"{budget_id}-agent", "budget_id": budget_id, **fields}


def reserve(client: Client, key: str, budget_id: str, **fields: Any) -> httpx.Response:
    return client.post("/v1/reservations", json=wanted(key, budget_id, **fields))


def standing(client: Client, budget_id: str) -> tuple[str, str, str | None]:
    """Spent, reserved, available."""
    status = client.get(f"/v1/budgets/{budget_id}/status").json()
    return status["spent"], status["reserved"], status["available"]


def called(name: str, operation_id: str, **fields: Any) -> dict[str, Any]:
    return usage(operation_id, agent_id=f"{name}-agent", **fields)


def test_what_is_held_is_created_and_the_same_again_is_answered_as_it_is(client: Client, name: str) -> None:
    make(client, name, amount="1")
    said = wanted(name, name, model_id="gpt-4o", prompt_tokens=1000, max_completion_tokens=500)
    first = client.post("/v1/reservations", json=said)
    assert first.status_code == 201
    body = first.json()
    expires_at = body.pop("expires_at")
    assert expires_at.endswith("Z")
    assert body == {
        "reservation_id": body["reservation_id"],
        "state": "HELD",
        "agent_id": f"{name}-agent",
        "budget_id": name,
        "amount": "0.0075",
        "remaining": "0.0075",
        "charged": "0",
        "decision": "ALLOW",
        "delay_ms": 0,
        "duplicate": False,
        "override_id": None,
        "warnings": [],
    }
    again = client.post("/v1/reservations", json=said)
    assert again.status_code == 200
    assert again.json() == {**first.json(), "duplicate": True}
    shown = client.get(f"/v1/reservations/{body['reservation_id']}")
    assert (shown.status_code, shown.json()) == (200, first.json())
    assert standing(client, name) == ("0", "0.0075", "0.9925")
    other = reserve(client, name, name, amount="0.5")
    assert (other.status_code, other.json()["code"]) == (409, "CONFLICT")


def test_a_refusal_names_every_limit_and_says_what_to_do(client: Client, name: str) -> None:
    root, leaf = f"{name}-root", f"{name}-leaf"
    make(client, root, amount="1", recurrence="MONTHLY")
    limits = [{"meter": "COST", "window": "DAY", "amount": "0.5"}]
    make(client, leaf, root, limits=limits)
    answer = reserve(client, name, leaf, amount="1.5")
    assert answer.status_code == 402
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert (body["code"], body["title"], body["status"]) == ("BUDGET_EXCEEDED", "Budget exceeded", 402)
    assert body["message"].startswith("Daily cost quota exceeded: 0 / 0.5")
    assert body["detail"].startswith("Raise the limit")
    day, month = body["violations"]
    assert (day["budget_id"], day["meter"], day["window"]) == (leaf, "COST", "DAY")
    assert (day["limit"], day["spent"], day["reserved"], day["requested"]) == ("0.5", "0", "0", "1.5")
    assert (day["available"], day["projected_total"], day["redacted"]) == ("0.5", "1.5", False)
    assert (month["budget_id"], month["window"], month["limit"]) == (root, "PERIOD", "1")
    assert 1 <= int(answer.headers["retry-after"]) <= 31 * 86_400
    alone = reserve(client, name, leaf, amount="0.75")
    assert 1 <= int(alone.headers["retry-after"]) <= 86_400


def test_there_is_no_time_to_come_back_where_a_limit_never_resets(client: Client, name: str) -> None:
    make(client, name, amount="1", limits=[{"meter": "COST", "window": "DAY", "amount": "1"}])
    answer = reserve(client, name, name, amount="2")
    assert answer.status_code == 402
    assert len(answer.json()["violations"]) == 2
    assert "retry-after" not in answer.headers


def test_a_throttling_limit_sends_away_for_a_while(client: Client, name: str) -> None:
    limits = [{"meter": "REQUESTS", "window": "DAY", "amount": "0", "enforcement": "THROTTLE"}]
    make(client, name, limits=limits)
    answer = reserve(client, name, name, amount="1")
    assert (answer.status_code, answer.headers["content-type"]) == (429, PROBLEM)
    body = answer.json()
    assert body["code"] == "THROTTLED"
    assert [each["meter"] for each in body["violations"]] == ["REQUESTS"]
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 86_400
    assert seconds == -(-body["retry_after_ms"] // 1000)


def test_a_price_that_nobody_knows_is_told(client: Client, name: str) -> None:
    make(client, name, amount="1")
    answer = reserve(client, name, name, provider="nobody", model_id="mine", prompt_tokens=1)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    body = answer.json()
    assert (body["code"], body["provider"], body["model_id"], body["reason"]) == (
        "PRICE_UNKNOWN",
        "nobody",
        "mine",
        "NO_BOUND",
    )


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"amount": 0.1}, 422, "INVALID", "amount"),
        ({"amount": "-1"}, 422, "INVALID", "amount"),
        ({"amount": "99999999999"}, 422, "AMOUNT_OUT_OF_RANGE", "amount"),
        ({"ttl_seconds": 86_401}, 422, "INVALID", "ttl_seconds"),
        ({"ttl_seconds": "60"}, 422, "INVALID", "ttl_seconds"),
        ({"dry_run": "no"}, 422, "INVALID", "dry_run"),
        ({"unheard_of": 1}, 422, "INVALID", "unheard_of"),
        ({"agent_id": None}, 422, "INVALID", "agent_id"),
        ({"budget_id": "no-such-budget"}, 404, "NOT_FOUND", "budget_id"),
    ],
)
def test_what_cannot_be_reserved_names_its_field(
    client: Client, name: str, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    make(client, name, amount="1")
    answer = client.post("/v1/reservations", json={**wanted(name, name, amount="0.1"), **fields})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)
    assert answer.headers["content-type"] == PROBLEM
    assert standing(client, name) == ("0", "0", "1")


@pytest.mark.parametrize(
    "path", ["/v1/reservations", *(f"/v1/reservations/x/{each}" for each in ("settle", "extend", "stream"))]
)
def test_a_body_that_is_no_object_is_refused(client: Client, path: str) -> None:
    assert client.post(path, json=[1]).status_code == 400
    assert client.post(path, content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert client.post(path, data={"amount": "1"}).status_code == 415


def test_a_dry_run_is_answered_with_200_and_holds_nothing(client: Client, name: str) -> None:
    make(client, name, amount="1")
    dry = reserve(client, name, name, amount="0.5", dry_run=True)
    assert (dry.status_code, dry.json()["amount"], dry.json()["remaining"]) == (200, "0.5", "0")
    assert standing(client, name) == ("0", "0", "1")
    assert client.get(f"/v1/reservations/{dry.json()['reservation_id']}").status_code == 404


def test_a_hold_is_settled_in_parts_and_gives_back_the_rest(client: Client, name: str) -> None:
    make(client, name, amount="1")
    held = reserve(client, name, name, amount="0.5").json()["reservation_id"]
    path = f"/v1/reservations/{held}/settle"
    part = client.post(path, json={"usages": [called(name, f"{name}-1")], "final": False})
    assert part.status_code == 200
    body = part.json()
    assert (body["charged"], body["overrun"], body["late"], body["decision"]) == (
        "0.0035",
        "0",
        False,
        "ALLOW",
    )
    assert (body["reservation"]["state"], body["reservation"]["remaining"]) == ("HELD", "0.4965")
    assert [(each["status"], each["pricing"]) for each in body["results"]] == [(201, "PRICED")]
    rows = [called(name, f"{name}-2"), called(name, f"{name}-3", prompt_tokens=-1), called(name, f"{name}-1")]
    last = client.post(path, json={"usages": rows}).json()
    assert [each["status"] for each in last["results"]] == [201, 422, 200]
    assert (last["charged"], last["reservation"]["state"]) == ("0.0035", "SETTLED")
    assert standing(client, name) == ("0.007", "0", "0.993")
    repeated = client.post(path, json={"usages": rows[:1]}).json()
    assert (repeated["charged"], repeated["reservation"]["duplicate"]) == ("0.0035", True)
    assert standing(client, name) == ("0.007", "0", "0.993")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "usages"),
        ({"usages": {}}, 422, "usages"),
        ({"usages": [1]}, 422, "usages"),
        ({"usages": [], "final": "yes"}, 422, "final"),
        ({"usages": [], "finally": True}, 422, "finally"),
        ({"usages": [{"operation_id": "x"}]}, 422, "agent_id"),
        ({"usages": [{}] * 1001}, 422, "usages"),
    ],
)
def test_a_settlement_that_cannot_be_says_why(
    client: Client, name: str, body: dict[str, Any], status: int, field: str
) -> None:
    held = reserve(client, name, "unattributed", amount="0.5").json()["reservation_id"]
    answer = client.post(f"/v1/reservations/{held}/settle", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.headers["content-type"] == PROBLEM
    assert client.get(f"/v1/reservations/{held}").json()["state"] == "HELD"
    client.post(f"/v1/reservations/{held}/release")


def test_an_operation_that_is_taken_is_a_conflict(client: Client, name: str) -> None:
    make(client, name, amount="1")
    client.post("/v1/usage", json=called(name, name))
    held = reserve(client, name, name, amount="0.5").json()["reservation_id"]
    row = called(name, name, model_id="gpt-4o-mini")
    answer = client.post(f"/v1/reservations/{held}/settle", json={"usages": [row]})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_a_record_and_then_its_settlement_charge_once_and_release_the_hold(client: Client, name: str) -> None:
    make(client, name, amount="1")
    held = reserve(client, name, name, amount="0.5").json()["reservation_id"]
    client.post("/v1/usage", json=called(name, name, budget_id=name))
    settled = client.post(f"/v1/reservations/{held}/settle", json={"usages": [called(name, name)]}).json()
    assert (settled["charged"], settled["results"][0]["duplicate"]) == ("0", True)
    assert standing(client, name) == ("0.0035", "0", "0.9965")


def test_a_lease_is_extended_and_released(client: Client, name: str) -> None:
    make(client, name, amount="1")
    held = reserve(client, name, name, amount="0.5", ttl_seconds=60).json()
    path = f"/v1/reservations/{held['reservation_id']}"
    said = {"idempotency_key": "beat", "ttl_seconds": 600, "add_amount": "0.25"}
    more = client.post(f"{path}/extend", json=said)
    assert (more.status_code, more.json()["amount"]) == (200, "0.75")
    assert more.json()["expires_at"] > held["expires_at"]
    assert client.post(f"{path}/extend", json=said).json() == {**more.json(), "duplicate": True}
    refused = client.post(f"{path}/extend", json={"idempotency_key": "more", "add_amount": "0.5"})
    assert (refused.status_code, refused.json()["code"]) == (402, "BUDGET_EXCEEDED")
    named = client.post(f"{path}/extend", json={**said, "reservation_id": "other"})
    assert (named.status_code, named.json()["field"]) == (422, "reservation_id")
    for duplicate in (False, True):
        released = client.post(f"{path}/release")
        assert released.status_code == 200
        assert (released.json()["state"], released.json()["duplicate"]) == ("RELEASED", duplicate)
    assert standing(client, name) == ("0", "0", "1")
    assert client.post(f"{path}/extend", json={"idempotency_key": "late"}).status_code == 409


def test_500_at_once_get_exactly_what_the_limit_holds(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, f"{name}-root", amount="1")
    make(client, name, f"{name}-root")
    with ThreadPoolExecutor(25) as pool, server.client() as shared:
        answers = list(
            pool.map(
                lambda number: reserve(shared, f"{name}-{number}", name, amount="0.01").status_code,
                range(500),
            )
        )
    assert (answers.count(201), answers.count(402)) == (100, 400)
    assert standing(client, f"{name}-root") == ("0", "1", "0")


def metric(client: Client, text: str) -> float:
    found = re.search(rf"^{re.escape(text)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_what_expires_is_released_by_itself_and_counted(client: Client, name: str) -> None:
    make(client, name, amount="1")
    before = {each: metric(client, f"costgraph_holds_{each}_total") for each in ("granted", "expired")}
    held = reserve(client, name, name, amount="1", ttl_seconds=1).json()["reservation_id"]
    assert reserve(client, f"{name}-2", name, amount="1").status_code == 402
    assert eventually(lambda: standing(client, name) == ("0", "0", "1")) < 5
    assert client.get(f"/v1/reservations/{held}").json()["state"] == "EXPIRED"
    assert metric(client, "costgraph_holds_granted_total") == before["granted"] + 1
    assert metric(client, "costgraph_holds_expired_total") == before["expired"] + 1
    late = client.post(f"/v1/reservations/{held}/settle", json={"usages": [called(name, name)]}).json()
    assert (late["late"], late["charged"], late["warnings"][0]["code"]) == (True, "0.0035", "LATE")


def test_refusals_are_counted_by_their_code_whichever_door_they_leave_by(client: Client, name: str) -> None:
    make(client, name, amount="1")
    text = 'costgraph_refusals_total{code="BUDGET_EXCEEDED"}'
    before = metric(client, text)
    reserve(client, name, name, amount="2")
    reserve(client, name, name, amount="2", dry_run=True)
    said = {"idempotencyKey": name, "agentId": name, "budgetId": name, "amount": "2"}
    client.data("mutation($i: ReserveInput!) { reserve(input: $i) { __typename } }", i=said)
    assert metric(client, text) == before + 2


@pytest.fixture
def family(client: Client, name: str) -> dict[str, str]:
    budgets = {part: f"{name}-{part}" for part in ("root", "mine", "sibling")}
    make(client, budgets["root"], amount="3.21")
    for part in ("mine", "sibling"):
        make(client, budgets[part], budgets["root"])
    return budgets


@pytest.fixture
def mine(client: Client, server: ServerProcess, family: dict[str, str]) -> Generator[Client]:
    """A caller confined to the budget ``mine``."""
    with server.client(new_key(client, role="RECORDER", budgetId=family["mine"])) as caller:
        yield caller


@pytest.fixture
def stranger(client: Client, server: ServerProcess, name: str) -> Generator[Client]:
    """An admin of another tenant."""
    with server.client(new_key(client, role="ADMIN", tenant=f"{name}-tenant")) as caller:
        yield caller


def like_unknown(caller: Client, reservation_id: str) -> bool:
    """Whether each route answers for a reservation as for one that never was."""
    never = "f" * len(reservation_id)
    row = {"usages": [called("x", "like-unknown")]}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/settle", row),
        ("POST", "/settle", {"usages": []}),
        ("POST", "/extend", {"idempotency_key": "k"}),
        ("POST", "/stream", {"model": "gpt-4o", "provider": "openai", "total_tokens": 5}),
        ("POST", "/stream", {"model": "gpt-4o", "provider": "openai", "final": True}),
        ("POST", "/release", None),
    ):
        found, unknown = (
            caller.request(method, f"/v1/reservations/{each}{path}", json=body)
            for each in (reservation_id, never)
        )
        assert unknown.status_code == 404
        same_headers = dict(found.headers) | {"date": ""} == dict(unknown.headers) | {"date": ""}
        if not same_headers or found.text.replace(reservation_id, never) != unknown.text:
            return False
    return True


def test_reservations_of_other_subtrees_and_tenants_are_like_unknown(
    client: Client, mine: Client, stranger: Client, family: dict[str, str], name: str
) -> None:
    held = reserve(client, name, family["sibling"], amount="1").json()["reservation_id"]
    assert like_unknown(mine, held)
    assert like_unknown(stranger, held)
    assert client.get(f"/v1/reservations/{held}").json()["remaining"] == "1"
    taken = reserve(mine, name, family["mine"], amount="1")
    assert (taken.status_code, taken.json()["code"]) == (409, "CONFLICT")
    assert family["sibling"] not in taken.text
    assert reserve(mine, f"{name}-2", family["sibling"], amount="1").status_code == 404


def test_a_refusal_tells_nothing_of_the_limit_above(mine: Client, family: dict[str, str], name: str) -> None:
    answer = reserve(mine, name, family["mine"], amount="4")
    assert answer.status_code == 402
    assert family["root"] not in answer.text
    assert "3.21" not in answer.text
    (violation,) = answer.json()["violations"]
    assert (violation["budget_id"], violation["redacted"], violation["requested"]) == (None, True, "4")
    assert {violation[each] for each in ("limit", "spent", "reserved", "available", "projected_total")} == {
        "0"
    }


def test_a_viewer_may_look_and_nothing_else(client: Client, server: ServerProcess, name: str) -> None:
    held = reserve(client, name, "unattributed", amount="0.5").json()["reservation_id"]
    with server.client(new_key(client, role="VIEWER")) as viewer:
        assert viewer.get(f"/v1/reservations/{held}").status_code == 200
        assert reserve(viewer, f"{name}-2", "unattributed", amount="1").status_code == 403
        for action in ("settle", "extend", "stream", "release"):
            assert viewer.post(f"/v1/reservations/{held}/{action}", json={}).status_code == 403
    client.post(f"/v1/reservations/{held}/release")
