"""Sessions and delegation over GraphQL: bounded queries, and what a confined key sees."""

from collections.abc import Generator
from decimal import Decimal

import pytest

from graph.database import Database
from resolvers import Services
from tests.support.counting import CountingDatabase
from tests.support.services import Caller, admin_of, budget, open_services, record, usage

SHARES = (
    "own { operations totalCost unpriced } delegated { operations totalCost unpriced } total { operations }"
)
SESSION = f"""query($id: ID!) {{ session(sessionId: $id) {{
    {SHARES} operations {{ operationId parentOperationId {SHARES} }}
    tree {{ operationId children {{ operationId {SHARES} }} }} agents {{ agentId {SHARES} }}
}} }}"""
PAGE = f"{{ usage(first: 500) {{ nodes {{ operationId delegation {{ {SHARES} }} }} }} }}"


def tree(caller: Caller, begin: int, end: int) -> None:
    """Operations of a session, each delegated by the one at half its number."""
    rows = [
        usage(
            f"op{number}",
            agentId=f"agent{number % 3}",
            sessionId="s",
            budgetId="acme",
            providerCost="0.5",
            parentOperationId=f"op{number // 2}" if number > 1 else None,
        )
        for number in range(begin, end)
    ]
    record(caller, *rows)


@pytest.fixture
def counting(database: Database) -> Generator[CountingDatabase]:
    with CountingDatabase(database.connection) as opened:
        yield opened


@pytest.fixture
def services(counting: CountingDatabase) -> Generator[Services]:
    with open_services(counting) as opened:
        yield opened


@pytest.fixture
def admin(services: Services, tenant: str) -> Caller:
    caller = admin_of(services, tenant)
    budget(caller, "acme", amount="1000")
    return caller


def test_a_session_takes_as_many_queries_however_large_it_is(
    admin: Caller, counting: CountingDatabase
) -> None:
    asked: list[list[str]] = []
    for begin, end in ((1, 4), (4, 130)):
        tree(admin, begin, end)
        counting.asked.clear()
        session = admin.get(SESSION, id="s")["session"]
        asked.append(sorted(counting.asked))
        assert session["own"]["operations"] == end - 1
        assert len(session["operations"]) == end - 1
    assert asked[0] == asked[1]
    assert [each for each in asked[1] if each.startswith("delegation/")] == [
        "delegation/below",
        "delegation/costs",
        "delegation/session",
    ]
    assert len(asked[1]) <= 6


def test_a_page_of_usage_takes_as_many_queries_however_much_is_on_it(
    admin: Caller, counting: CountingDatabase
) -> None:
    asked: list[list[str]] = []
    for begin, end in ((1, 3), (3, 60)):
        tree(admin, begin, end)
        counting.asked.clear()
        nodes = admin.get(PAGE)["usage"]["nodes"]
        asked.append([each for each in counting.asked if each.startswith("delegation/")])
        shares = {node["operationId"]: node["delegation"] for node in nodes}
        assert shares["op1"]["total"]["operations"] == end - 1
        assert shares["op1"]["delegated"]["totalCost"] == f"{(end - 2) * Decimal('0.5'):f}".removesuffix(".0")
    assert asked == [["delegation/below", "delegation/costs"]] * 2


def test_what_it_grew_by_and_what_was_adjusted_counts_and_what_has_no_price_is_said(admin: Caller) -> None:
    tree(admin, 1, 4)
    record(
        admin, usage("op9", modelId="unknown", provider="nobody", parentOperationId="op1", budgetId="acme")
    )
    refund = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"
    said = {"idempotencyKey": "k", "operationId": "op2", "kind": "REFUND", "change": "-0.2"}
    admin.get(refund, input=said)
    shown = admin.get('{ delegation(operationId: "op1") { ' + SHARES + " } }")["delegation"]
    assert shown["own"] == {"operations": 1, "totalCost": "0.5", "unpriced": 0}
    assert shown["delegated"] == {"operations": 3, "totalCost": "0.8", "unpriced": 1}


def test_an_agent_in_a_span_and_what_was_done_for_it(admin: Caller) -> None:
    record(
        admin,
        usage("a", agentId="boss", timestamp="2026-11-01T00:00:00Z", providerCost="1"),
        usage(
            "b", agentId="worker", timestamp="2026-11-01T00:00:01Z", parentOperationId="a", providerCost="2"
        ),
        usage("c", agentId="boss", timestamp="2026-11-02T00:00:00Z", providerCost="4"),
        usage("d", agentId="worker", timestamp="2026-11-02T00:00:00Z", providerCost="8"),
    )
    ask = (
        "query($from: DateTime, $to: DateTime)"
        ' { delegation(agentId: "boss", from: $from, to: $to) { own { totalCost } delegated { totalCost } } }'
    )
    assert admin.get(ask)["delegation"] == {"own": {"totalCost": "5"}, "delegated": {"totalCost": "2"}}
    first = admin.get(ask, to="2026-11-02T00:00:00Z")["delegation"]
    assert first == {"own": {"totalCost": "1"}, "delegated": {"totalCost": "2"}}
    second = admin.get(ask, **{"from": "2026-11-02T00:00:00Z"})["delegation"]
    assert second == {"own": {"totalCost": "4"}, "delegated": {"totalCost": "0"}}


def test_a_confined_key_sees_its_part_of_a_tree(admin: Caller) -> None:
    budget(admin, "mine", "acme", amount="10")
    budget(admin, "other", "acme", amount="10")
    record(
        admin,
        usage("top", sessionId="s", budgetId="mine", providerCost="1"),
        usage("hidden", sessionId="s", budgetId="other", parentOperationId="top", providerCost="2"),
        usage("below", sessionId="s", budgetId="mine", parentOperationId="hidden", providerCost="4"),
    )
    session = admin.confined("mine").get(SESSION, id="s")["session"]
    assert (session["own"]["totalCost"], session["own"]["operations"]) == ("5", 2)
    (root,) = session["tree"]
    assert [each["operationId"] for each in root["children"]] == ["below"]
    assert {each["operationId"]: each["parentOperationId"] for each in session["operations"]} == {
        "top": None,
        "below": "top",
    }
    assert admin.confined("other").get(SESSION, id="s")["session"]["own"]["totalCost"] == "2"
    budget(admin, "third", "acme", amount="10")
    assert admin.confined("third").get(SESSION, id="s") == {"session": None}
