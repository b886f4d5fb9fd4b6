"""Reservations through GraphQL: held, refused with all that is passed, settled, extended, released."""

from time import sleep
from typing import Any

import pytest

from tests.support.reserving import EXTEND, RELEASE, RESERVE, SHOW, held, reserve, settle
from tests.support.services import Caller, budget, record, usage

STATUS = """
query($id: ID!) {
  budget(budgetId: $id) {
    openReservations
    status {
      spent reserved forced available effectiveAvailable
      limits { meter window resource amount spent reserved available forced utilization }
    }
  }
}
"""


def shown(caller: Caller, budget_id: str) -> Any:
    return caller.get(STATUS, id=budget_id)["budget"]


def figures(caller: Caller, budget_id: str) -> tuple[str, str, str]:
    """Spent, reserved, available."""
    status = shown(caller, budget_id)["status"]
    return status["spent"], status["reserved"], status["available"]


def limit(meter: str, amount: str, window: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"meter": meter, "amount": amount, "window": window, **fields}


def test_a_call_is_held_at_its_bound_and_settled_at_its_price(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    budget(admin, "web", "acme", amount="5")
    asked = {"modelId": "gpt-4o", "promptTokens": 1000, "maxCompletionTokens": 500}
    found = held(admin, "k", "web", **asked)
    assert (found["amount"], found["remaining"], found["state"]) == ("0.0075", "0.0075", "HELD")
    assert (found["decision"], found["agentId"], found["budgetId"]) == ("ALLOW", "agent", "web")
    for name in ("acme", "web"):
        status = shown(admin, name)
        assert status["openReservations"] == 1
        assert status["status"]["reserved"] == "0.0075"
    assert shown(admin, "web")["status"]["available"] == "4.9925"
    assert shown(admin, "web")["status"]["effectiveAvailable"] == "0.9925"

    answer = settle(admin, found["reservationId"], usage("op"))
    assert (answer["charged"], answer["overrun"], answer["late"], answer["decision"]) == (
        "0.0035",
        "0",
        False,
        "ALLOW",
    )
    assert (answer["reservation"]["state"], answer["reservation"]["remaining"]) == ("SETTLED", "0")
    assert figures(admin, "acme") == ("0.0035", "0", "0.9965")
    assert shown(admin, "acme")["openReservations"] == 0


def test_without_a_maximum_the_models_longest_answer_is_held(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    assert held(admin, "k", "acme", modelId="gpt-4o", promptTokens=0)["amount"] == "0.16384"


def test_asked_again_it_is_the_reservation_as_it_now_is_and_other_content_is_a_conflict(
    admin: Caller,
) -> None:
    budget(admin, "acme", amount="1")
    first = held(admin, "k", "acme", amount="0.25")
    assert held(admin, "k", "acme", amount="0.250") == {**first, "duplicate": True}
    admin.get(RELEASE, id=first["reservationId"])
    again = held(admin, "k", "acme", amount="0.25", ttlSeconds=300, resource="agents")
    assert (again["state"], again["duplicate"], again["remaining"]) == ("RELEASED", True, "0")
    said = {"idempotencyKey": "k", "agentId": "agent", "budgetId": "acme", "amount": "0.26"}
    answer = admin.ask(RESERVE, input=said)
    assert (answer.code, answer.field) == ("CONFLICT", "idempotencyKey")


def test_a_dry_run_answers_and_holds_nothing(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    dry = held(admin, "k", "acme", amount="0.75", dryRun=True)
    assert (dry["amount"], dry["remaining"]) == ("0.75", "0")
    assert reserve(admin, "k", "acme", amount="1.01", dryRun=True)["__typename"] == "BudgetExceeded"
    assert figures(admin, "acme") == ("0", "0", "1")
    assert admin.get(SHOW, id=dry["reservationId"]) == {"reservation": None}


def test_a_limit_may_be_used_exactly_and_a_refusal_says_what_would_be(admin: Caller) -> None:
    budget(admin, "acme", amount="1", recurrence="MONTHLY")
    budget(admin, "web", "acme", amount="0.5")
    held(admin, "a", "web", amount="0.3")
    refused = reserve(admin, "b", "web", amount="0.8")
    assert refused["__typename"] == "BudgetExceeded"
    web, acme = refused["violations"]
    assert {name: web[name] for name in ("budgetId", "meter", "window", "limit", "spent", "reserved")} == {
        "budgetId": "web",
        "meter": "COST",
        "window": "PERIOD",
        "limit": "0.5",
        "spent": "0",
        "reserved": "0.3",
    }
    assert (web["requested"], web["available"], web["projectedTotal"]) == ("0.8", "0.2", "1.1")
    assert (web["resetsAt"], web["redacted"]) == (None, False)
    assert acme["budgetId"] == "acme"
    assert acme["resetsAt"].endswith("-01T00:00:00Z")
    assert acme["message"].startswith("Budget exceeded: $1.1 / $1 monthly limit")
    assert refused["message"] == f"{web['message']}; {acme['message']}"
    assert refused["detail"].startswith("Raise the limit, use a cheaper model")
    assert held(admin, "c", "web", amount="0.2")["state"] == "HELD"
    assert figures(admin, "web") == ("0", "0.5", "0")


@pytest.mark.parametrize(
    ("said", "asked", "begins"),
    [
        (limit("COST", "25", "DAY"), {"amount": "26"}, "Daily cost quota exceeded: 0 / 25"),
        (limit("COST", "25", "MONTH"), {"amount": "26"}, "Budget exceeded: $26 / $25 monthly limit"),
        (limit("COST", "2", "REQUEST"), {"amount": "3"}, "Cost of one request exceeded: $3 / $2"),
        (limit("TOKENS", "100", "DAY"), {"amount": "1"}, "Daily token quota exceeded: 0 / 100"),
        (limit("TOKENS", "100", "REQUEST"), {"amount": "1"}, "Max context length exceeded: 150 / 100"),
        (limit("REQUESTS", "0", "MINUTE"), {"amount": "1"}, "Rate limit exceeded: 0 req/min"),
        (limit("LEVEL", "1", resource="agents"), {"quantity": 2}, "Max concurrent agents reached: 1"),
        (limit("LEVEL", "1", resource="sandboxes"), {"quantity": 1}, ""),
    ],
)
def test_refusals_begin_with_the_sources_texts(
    admin: Caller, said: dict[str, Any], asked: dict[str, Any], begins: str
) -> None:
    budget(admin, "acme", limits=[said])
    counts = {"promptTokens": 100, "maxCompletionTokens": 50}
    answer = reserve(admin, "k", "acme", **counts, **asked)
    if not begins:
        assert answer["__typename"] == "Reservation", "another resource is held"
        return
    assert answer["__typename"] == "BudgetExceeded"
    assert answer["message"].startswith(begins)
    assert [each["meter"] for each in answer["violations"]] == [said["meter"]]


@pytest.mark.parametrize("window", ["MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR", "PERIOD", "LIFETIME"])
@pytest.mark.parametrize("meter", ["COST", "TOKENS", "REQUESTS"])
def test_every_meter_is_held_on_every_window(admin: Caller, meter: str, window: str) -> None:
    budget(admin, "acme", recurrence="MONTHLY", limits=[limit(meter, "10", window)])
    asked = {"amount": "6", "promptTokens": 4, "maxCompletionTokens": 2, "requests": 6}
    # A minute may end in between: then the hold is on the one before.
    answers = [reserve(admin, f"k{number}", "acme", **asked) for number in range(3)]
    kinds = [each["__typename"] for each in answers]
    assert kinds[0] == "Reservation"
    assert kinds[1:].count("BudgetExceeded") >= 1
    refused = next(each for each in answers if each["__typename"] == "BudgetExceeded")
    (violation,) = refused["violations"]
    assert (violation["meter"], violation["window"], violation["reserved"]) == (meter, window, "6")
    assert (violation["resetsAt"] is None) is (window == "LIFETIME")
    (status,) = shown(admin, "acme")["status"]["limits"]
    assert (status["meter"], status["window"], status["amount"]) == (meter, window, "10")


def test_a_soft_limit_warns_and_a_throttling_one_sends_away_for_a_while(admin: Caller) -> None:
    budget(admin, "soft", limits=[limit("COST", "1", "DAY", enforcement="SOFT")])
    warned = held(admin, "s", "soft", amount="2")
    assert warned["decision"] == "WARN"
    assert [each["code"] for each in warned["warnings"]] == ["SOFT_LIMIT"]
    budget(admin, "slow", limits=[limit("REQUESTS", "1", "DAY", enforcement="THROTTLE")])
    held(admin, "t", "slow", amount="0.1")
    sent_away = reserve(admin, "u", "slow", amount="0.1")
    assert sent_away["__typename"] == "Throttled"
    assert 1 <= sent_away["retryAfterMs"] <= 86_400_000
    assert [each["budgetId"] for each in sent_away["violations"]] == ["slow"]


def test_a_price_that_nobody_knows_refuses_only_where_cost_is_limited(admin: Caller) -> None:
    budget(admin, "limited", amount="1")
    budget(admin, "free")
    asked = {"provider": "nobody", "modelId": "mine", "promptTokens": 5}
    refused = reserve(admin, "a", "limited", **asked)
    assert refused == {
        "__typename": "PriceUnknown",
        "provider": "nobody",
        "modelId": "mine",
        "reason": "NO_BOUND",
    }
    longest = reserve(admin, "b", "limited", **asked, maxCompletionTokens=5)
    assert (longest["__typename"], longest["reason"]) == ("PriceUnknown", "UNKNOWN_MODEL")
    assert held(admin, "c", "free", **asked)["amount"] == "0"
    assert held(admin, "d", "limited", **asked, amount="0.5")["amount"] == "0.5"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"amount": "-1"}, "INVALID", "amount"),
        ({"amount": "0.0000000001"}, "INVALID", "amount"),
        ({"amount": "99999999999"}, "AMOUNT_OUT_OF_RANGE", "amount"),
        ({"ttlSeconds": 0}, "INVALID", "ttlSeconds"),
        ({"ttlSeconds": 86_401}, "INVALID", "ttlSeconds"),
        ({"promptTokens": -1}, "INVALID", "promptTokens"),
        ({"agentId": ""}, "INVALID", "agentId"),
        ({"budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
        ({"budgetId": "closed"}, "BUDGET_CLOSED", "budgetId"),
        ({"budgetId": "past"}, "BUDGET_CLOSED", "budgetId"),
    ],
)
def test_what_cannot_be_reserved_is_an_error_that_names_its_field(
    admin: Caller, said: dict[str, Any], code: str, field: str
) -> None:
    budget(admin, "closed")
    admin.get('mutation { closeBudget(budgetId: "closed") { budgetId } }')
    budget(admin, "past", periodEnd="2020-01-01T00:00:00Z")
    answer = admin.ask(RESERVE, input={"idempotencyKey": "k", "agentId": "a", "amount": "1", **said})
    assert (answer.code, answer.field) == (code, field)


def test_a_lease_is_extended_grows_and_is_released_once(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    first = held(admin, "k", "acme", amount="0.5", ttlSeconds=60)
    said = {"reservationId": first["reservationId"], "idempotencyKey": "e", "addAmount": "0.25"}
    more = admin.get(EXTEND, input=said)["extend"]
    assert (more["amount"], more["remaining"], more["duplicate"]) == ("0.75", "0.75", False)
    assert more["expiresAt"] > first["expiresAt"]
    assert admin.get(EXTEND, input=said)["extend"] == {**more, "duplicate": True}
    refused = admin.get(EXTEND, input={**said, "idempotencyKey": "f", "addAmount": "0.3"})["extend"]
    assert refused["__typename"] == "BudgetExceeded"
    assert admin.get(SHOW, id=first["reservationId"])["reservation"] == more
    released = admin.get(RELEASE, id=first["reservationId"])["release"]
    assert (released["state"], released["remaining"], released["duplicate"]) == ("RELEASED", "0", False)
    assert admin.get(RELEASE, id=first["reservationId"])["release"]["duplicate"] is True
    assert figures(admin, "acme") == ("0", "0", "1")
    assert admin.ask(EXTEND, input={**said, "idempotencyKey": "g"}).code == "CONFLICT"
    assert admin.ask(RELEASE, id="unknown").code == "NOT_FOUND"


def test_a_stream_settles_what_it_grew_by_and_gives_back_the_rest_at_its_end(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    found = held(admin, "k", "acme", amount="0.5")["reservationId"]
    part = settle(admin, found, usage("op", completionTokens=100), final=False)
    assert (part["charged"], part["reservation"]["state"]) == ("0.0035", "HELD")
    assert part["reservation"]["remaining"] == "0.4965"
    grown = settle(admin, found, usage("op", completionTokens=300), final=False)
    assert (grown["charged"], grown["results"][0]["costEntry"]["kind"]) == ("0.002", "CONTINUATION")
    last = settle(admin, found)
    assert (last["charged"], last["reservation"]["state"]) == ("0", "SETTLED")
    assert figures(admin, "acme") == ("0.0055", "0", "0.9945")
    late = settle(admin, found, usage("op", completionTokens=500), usage("other"))
    assert (late["late"], late["charged"]) == (True, "0.0055")
    assert [each["code"] for each in late["warnings"]] == ["LATE"]


def test_an_overrun_is_charged_counted_as_forced_and_said(admin: Caller) -> None:
    budget(admin, "acme", amount="0.003")
    found = held(admin, "k", "acme", amount="0.003")["reservationId"]
    answer = settle(admin, found, usage("op"))
    assert (answer["charged"], answer["overrun"]) == ("0.0035", "0.0005")
    status = shown(admin, "acme")["status"]
    assert (status["spent"], status["forced"], status["available"]) == ("0.0035", "0.0005", "-0.0005")


def test_usages_that_cannot_be_settled_fail_alone(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    record(admin, usage("taken"))
    found = held(admin, "k", "acme", amount="0.5")["reservationId"]
    answer = settle(
        admin,
        found,
        usage("good"),
        usage("negative", promptTokens=-1),
        usage("foreign", agentId="somebody"),
        usage("elsewhere", budgetId="unattributed"),
        usage("taken", modelId="gpt-4o-mini"),
    )
    kinds = [each["__typename"] for each in answer["results"]]
    assert kinds == ["RecordedUsage", *["InvalidUsage"] * 3, "OperationConflict"]
    assert [each["field"] for each in answer["results"][1:4]] == ["promptTokens", "agentId", "budgetId"]
    alone = settle(admin, found, usage("bad", promptTokens=-1))
    assert (alone["__typename"], alone["field"]) == ("InvalidUsage", "promptTokens")
    conflict = settle(admin, found, usage("taken", modelId="gpt-4o-mini"))
    assert (conflict["__typename"], conflict["operationId"]) == ("OperationConflict", "taken")


def test_a_batch_of_usages_has_a_size(admin: Caller) -> None:
    found = held(admin, "k", amount="0.5")["reservationId"]
    rows = [usage(f"op{number}") for number in range(1001)]
    answer = admin.ask(
        "mutation($input: SettleInput!) { settle(input: $input) { __typename } }",
        input={"reservationId": found, "usages": rows},
    )
    assert (answer.code, answer.field) == ("INVALID", "usages")


def test_a_lease_for_many_calls_settles_a_thousand_at_once(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    found = held(admin, "k", "acme", amount="5", requests=1000)["reservationId"]
    answer = settle(admin, found, *[usage(f"op{number}") for number in range(1000)])
    assert answer["charged"] == "3.5"
    assert {each["__typename"] for each in answer["results"]} == {"RecordedUsage"}


SCOPED = {
    "USER": ("zoe", {"userId": "zoe"}),
    "PROVIDER": ("openai", {"provider": "openai"}),
    "MODEL": ("gpt-4o", {"modelId": "gpt-4o"}),
    "AGENT": ("agent", {"agentId": "agent"}),
    "TEAM": ("red", {"tags": {"team": "red", "shift": 2}}),
    "CUSTOM": ("feature:checkout", {"tags": {"feature": "checkout"}}),
}


@pytest.mark.parametrize("kind", SCOPED)
def test_a_scoped_budget_refuses_what_it_matches_and_is_charged_once(admin: Caller, kind: str) -> None:
    member, facts = SCOPED[kind]
    budget(admin, "acme", amount="10")
    budget(admin, "web", "acme")
    budget(admin, "scoped", "acme", budgetType=kind, resourceId=member, amount="1")
    other = {"agentId": "somebody"} if kind == "AGENT" else {"tags": {"team": "blue", "feature": "search"}}
    held(admin, "others", "web", amount="2", **other)
    refused = reserve(admin, "k", "web", amount="2", **facts)
    assert [each["budgetId"] for each in refused["violations"]] == ["scoped"]
    found = held(admin, "l", "web", amount="0.5", **facts)
    assert figures(admin, "scoped") == ("0", "0.5", "0.5")
    said = {**facts, "budgetId": None}
    settle(admin, found["reservationId"], usage("op", **said))
    record(admin, usage("direct", **{**said, "budgetId": "scoped"}))
    # Recorded on it directly it is reached by two ways, and charged once.
    assert figures(admin, "scoped") == ("0.007", "0", "0.993")
    assert figures(admin, "acme") == ("0.007", "2", "7.993")
    assert admin.get("{ ledgerCheck { ok findings { invariant budgetId expected actual } } }") == {
        "ledgerCheck": {"ok": True, "findings": []}
    }


@pytest.mark.parametrize("kind", ["TEAM", "CUSTOM", "EXPERIMENT"])
def test_a_budget_of_a_team_limits_what_is_below_it(admin: Caller, kind: str) -> None:
    budget(admin, "acme", amount="10")
    budget(admin, "team", "acme", budgetType=kind, resourceId="team-7", amount="1")
    budget(admin, "task", "team", budgetType="TASK")
    refused = reserve(admin, "k", "task", amount="2")
    assert [each["budgetId"] for each in refused["violations"]] == ["team"]
    held(admin, "beside", "acme", amount="2")
    held(admin, "l", "task", amount="1")
    assert figures(admin, "team") == ("0", "1", "0")


def test_a_limit_for_each_user_gives_every_one_a_window_of_its_own(admin: Caller) -> None:
    budget(admin, "acme", limits=[limit("REQUESTS", "1", "DAY", each="USER")])
    held(admin, "a", "acme", amount="0", userId="ann")
    held(admin, "b", "acme", amount="0", userId="bob")
    held(admin, "c", "acme", amount="0")
    refused = reserve(admin, "d", "acme", amount="0", userId="ann")
    assert "for user ann" in refused["violations"][0]["message"]


def test_a_limit_on_a_resource_counts_only_that(admin: Caller) -> None:
    said = [limit("REQUESTS", str(amount), "DAY", resource=name) for name, amount in (("llm", 1), ("api", 0))]
    budget(admin, "acme", limits=said)
    held(admin, "a", "acme", modelId="gpt-4o", promptTokens=1, maxCompletionTokens=1)
    refused = reserve(admin, "b", "acme", modelId="gpt-4o", promptTokens=1, maxCompletionTokens=1)
    assert [each["limit"] for each in refused["violations"]] == ["1"]
    assert [each["limit"] for each in reserve(admin, "c", "acme")["violations"]] == ["0"]


def test_a_level_shows_what_is_held_now_and_comes_down_when_it_is_released(admin: Caller) -> None:
    budget(admin, "acme", limits=[limit("LEVEL", "2", resource="agents")])
    first = held(admin, "a", "acme", amount="0")
    held(admin, "b", "acme", amount="0")
    assert reserve(admin, "c", "acme", amount="0")["__typename"] == "BudgetExceeded"
    (level,) = shown(admin, "acme")["status"]["limits"]
    assert (level["meter"], level["resource"], level["reserved"], level["available"]) == (
        "LEVEL",
        "agents",
        "2",
        "0",
    )
    assert level["utilization"] == 1.0
    admin.get(RELEASE, id=first["reservationId"])
    assert held(admin, "c", "acme", amount="0")["state"] == "HELD"


def test_an_expired_reservation_is_seen_as_such_before_anybody_swept(admin: Caller) -> None:
    budget(admin, "acme", amount="1")
    found = held(admin, "k", "acme", amount="1", ttlSeconds=1)
    sleep(1.1)
    seen = admin.get(SHOW, id=found["reservationId"])["reservation"]
    assert (seen["state"], seen["remaining"]) == ("EXPIRED", "0")
    assert shown(admin, "acme")["openReservations"] == 0
    assert held(admin, "l", "acme", amount="1")["state"] == "HELD", "what expired refuses nobody"
