"""Agreements through GraphQL: accruals, closes, the four costs, on both engines."""

import threading
from typing import Any

import pytest

from graph.agreements import AgreementMonths
from graph.database import Database
from graph.ledger import GraphLedgerStore
from ledger.access import Role
from ledger.committer import Committer
from server.closer import Closer
from tests.resolvers.test_price import put
from tests.support.services import Caller, admin_of, budget, open_services, record, usage

AGREED = """
  agreementId version budgetId fromMonth toMonth timezone withdrawn author reason
  discounts { termId measure semantics tiers { above discountPercent } }
  commitments { termId amount } credits { termId amount }
"""
CREATE = f"mutation($input: AgreementInput!) {{ put: createAgreement(input: $input) {{ {AGREED} }} }}"
UPDATE = f"mutation($input: AgreementInput!) {{ put: updateAgreement(input: $input) {{ {AGREED} }} }}"
LIST = f"""
query($id: ID, $first: Int! = 50, $after: String) {{
  agreements(agreementId: $id, first: $first, after: $after) {{
    nodes {{ {AGREED} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
CLOSE = """
mutation($id: ID!, $month: String) {
  closeMonths(agreementId: $id, month: $month) {
    currency months { month lines { kind termId effectiveCost billedCost } }
  }
}
"""
COSTS = """
query($id: ID!, $month: String) {
  monthlyCosts(budgetId: $id, month: $month) {
    month start end currency closed listCost contractedCost effectiveCost billedCost tokens
    lines { kind termId effectiveCost billedCost }
  }
}
"""
CHECK = "{ ledgerCheck { ok findings { invariant expected actual } } }"
OCTOBER = "2026-10-20T09:00:00Z"
BIG = {"termId": "big", "tiers": [{"above": "100", "discountPercent": "10"}]}


def agree(caller: Caller, *discounts: dict[str, Any], revise: bool = False, **said: Any) -> Any:
    text = UPDATE if revise else CREATE
    said = {"agreementId": "deal", "budgetId": "acme", "fromMonth": "2026-10", **said}
    return caller.get(text, input={**said, "discounts": list(discounts)})["put"]


def close(caller: Caller, agreement: str = "deal") -> dict[str, Any]:
    answer = caller.get(CLOSE, id=agreement, month="2026-10")["closeMonths"]
    return {each["month"]: [line["effectiveCost"] for line in each["lines"]] for each in answer["months"]}


def costs(caller: Caller, budget_id: str = "acme", month: str | None = "2026-10") -> tuple[str, ...]:
    found = caller.get(COSTS, id=budget_id, month=month)["monthlyCosts"]
    return tuple(found[f"{name}Cost"] for name in ("list", "contracted", "effective", "billed"))


@pytest.fixture
def world(admin: Caller) -> Caller:
    budget(admin, "acme", amount="10000", recurrence="MONTHLY")
    budget(admin, "web", "acme")
    budget(admin, "other")
    record(
        admin,
        usage("op1", budgetId="web", timestamp=OCTOBER, providerCost="120"),
        usage("op2", budgetId="acme", timestamp=OCTOBER, providerCost="80"),
        usage("else", budgetId="other", timestamp=OCTOBER, providerCost="7"),
    )
    return admin


def totals(caller: Caller, budget_id: str) -> str:
    text = """query($id: ID!) { budget(budgetId: $id) {
        rollup(granularity: MONTH) { rows { start measures { totalCost operations } } total { totalCost } }
    } }"""
    return caller.get(text, id=budget_id)["budget"]["rollup"]["total"]["totalCost"]


def test_a_month_accrues_is_closed_once_and_takes_late_usage(world: Caller) -> None:
    agreed = agree(world, BIG, reason="tender")
    assert agreed == {
        "agreementId": "deal",
        "version": 1,
        "budgetId": "acme",
        "fromMonth": "2026-10",
        "toMonth": None,
        "timezone": "UTC",
        "withdrawn": False,
        "author": "an-admin",
        "reason": "tender",
        "discounts": [
            {
                "termId": "big",
                "measure": "SPEND",
                "semantics": "GRADUATED",
                "tiers": [{"above": "100", "discountPercent": "10"}],
            }
        ],
        "commitments": [],
        "credits": [],
    }
    assert costs(world) == ("200", "200", "190", "190")
    assert totals(world, "acme") == "200"
    assert close(world) == {"2026-10": ["-10"]}
    assert close(world) == {}
    assert totals(world, "acme") == costs(world)[2] == "190"
    assert totals(world, "web") == "120"
    record(world, usage("late", budgetId="web", timestamp=OCTOBER, providerCost="50"))
    shown = world.get(COSTS, id="acme", month="2026-10")["monthlyCosts"]
    assert (shown["closed"], shown["effectiveCost"]) == (False, "235")
    assert close(world) == {"2026-10": ["-5"]}
    assert close(world) == {}
    shown = world.get(COSTS, id="acme", month="2026-10")["monthlyCosts"]
    assert (shown["closed"], shown["effectiveCost"], shown["billedCost"]) == (True, "235", "235")
    assert totals(world, "acme") == "235"
    assert world.get(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}


def test_a_statement_is_an_operation_with_lines(world: Caller) -> None:
    agree(world, BIG, commitments=[{"termId": "reserved", "amount": "500"}])
    close(world)
    text = """{ operation(operationId: "agreement/deal/2026-10") {
        agentId category pricing timestamp budgetId agent { agentId } totalTokens
        costEntries { kind totalCost billedCost priceSource reason adjusts explanation { lines exact } }
    } }"""
    found = world.get(text)["operation"]
    assert (found["category"], found["agent"], found["totalTokens"]) == ("agreement", None, 0)
    assert found["timestamp"] == "2026-10-31T23:59:59.999999Z"
    first, *lines = found["costEntries"]
    assert (first["kind"], first["totalCost"]) == ("USAGE", "0")
    assert [(each["totalCost"], each["billedCost"], each["reason"]) for each in lines] == [
        ("-10", "-10", "volume discount: big"),
        ("0", "500", "commitment purchase: reserved"),
        ("0", "-190", "commitment covered: reserved"),
        ("310", "0", "commitment unused: reserved"),
    ]
    assert lines[0]["explanation"]["exact"]
    assert {each["adjusts"] for each in lines} == {1}
    refund = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"
    said = {
        "idempotencyKey": "k",
        "operationId": "agreement/deal/2026-10",
        "kind": "REFUND",
        "change": "-999",
    }
    assert world.ask(refund, input=said).code == "INVALID"
    assert costs(world) == ("200", "200", "500", "500")
    reprice = "mutation($input: RepriceInput!) { reprice(input: $input) { counts { outcome operations } } }"
    span = {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "dryRun": False}
    world.get(reprice, input=span)
    assert totals(world, "acme") == "500"
    rollup = "rollup(by: [AGENT]) { rows { keys { value } measures { totalCost } } }"
    rows = world.get(f'{{ budget(budgetId: "acme") {{ {rollup} }} }}')["budget"]["rollup"]["rows"]
    assert {row["keys"][0]["value"]: row["measures"]["totalCost"] for row in rows} == {
        "agent": "200",
        None: "300",
    }
    assert world.get(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}


def test_list_and_contracted_cost_are_kept_apart(admin: Caller) -> None:
    budget(admin, "acme")
    agree(admin)
    put(admin, "card", {"unit": "*", "discountPercent": "20"}, budgetId="acme")
    record(admin, usage("op", budgetId="acme", timestamp=OCTOBER, promptTokens=1_000_000, completionTokens=0))
    assert costs(admin) == ("2.5", "2", "2", "2")
    # A budget without an agreement is added up from its entries.
    budget(admin, "alone")
    put(admin, "other-card", {"unit": "*", "discountPercent": "20"}, budgetId="alone")
    record(
        admin, usage("op2", budgetId="alone", timestamp=OCTOBER, promptTokens=1_000_000, completionTokens=0)
    )
    assert costs(admin, "alone") == ("2.5", "2", "2", "2")
    assert costs(admin, "alone", "2026-09") == ("0", "0", "0", "0")


def test_what_is_agreed_below_counts_in_what_is_above(world: Caller) -> None:
    agree(world, {"termId": "w", "tiers": [{"above": "0", "discountPercent": "50"}]}, budgetId="web")
    assert costs(world, "web") == ("120", "120", "60", "60")
    assert costs(world, "acme") == ("200", "200", "140", "140")
    close(world)
    assert totals(world, "acme") == "140"
    assert costs(world, "acme") == ("200", "200", "140", "140")


def test_agreements_are_listed_by_page_and_by_version(world: Caller) -> None:
    for number in range(3):
        agree(world, BIG, agreementId=f"deal{number}")
    agree(world, BIG, agreementId="deal1", fromMonth="2026-11", revise=True)
    found, after, more = list[str](), None, True
    while more:
        page = world.get(LIST, first=1, after=after)["agreements"]
        found += [f"{each['agreementId']} {each['version']}" for each in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert found == ["deal0 1", "deal1 2", "deal2 1"]
    versions = world.get(LIST, id="deal1")["agreements"]["nodes"]
    assert [each["fromMonth"] for each in versions] == ["2026-11", "2026-10"]


def test_a_confined_key_sees_its_own_and_agrees_on_nothing(world: Caller) -> None:
    agree(world, BIG, reason="secret")
    agree(world, BIG, agreementId="below", budgetId="web")
    confined = world.confined("web")
    (node,) = confined.get(LIST)["agreements"]["nodes"]
    assert (node["agreementId"], node["author"]) == ("below", None)
    assert confined.get(LIST, id="deal")["agreements"]["nodes"] == []
    said = {"agreementId": "own", "budgetId": "web", "fromMonth": "2026-11"}
    assert confined.ask(CREATE, input=said).code == "FORBIDDEN"
    assert confined.ask(CLOSE, id="below").code == "FORBIDDEN"
    assert confined.ask(COSTS, id="acme").code == "NOT_FOUND"
    assert world.as_role(Role.RECORDER).ask(CREATE, input=said).code == "FORBIDDEN"
    assert world.ask(COSTS, id="acme", month="2199-01").code == "INVALID"
    assert world.ask(COSTS, id="acme", month="October").code == "INVALID"
    assert world.ask(CREATE, input={**said, "fromMonth": "October"}).field == "fromMonth"
    bad = {**said, "discounts": [{"termId": "t", "tiers": [{"above": "1", "discountPercent": "101"}]}]}
    assert world.ask(CREATE, input=bad).code == "INVALID"


def test_what_is_over_is_closed_by_itself(database: Database, tenant: str) -> None:
    with open_services(database) as services:
        world = admin_of(services, tenant)
        budget(world, "acme")
        record(world, usage("op", budgetId="acme", timestamp=OCTOBER, providerCost="200"))
        agree(world, BIG)
        committer = Committer(GraphLedgerStore(database))
        committer.start()
        try:
            closer = Closer(AgreementMonths(database), committer)
            closer.close_due(threading.Event())
            assert costs(world) == ("200", "200", "190", "190")
            assert world.get(COSTS, id="acme", month="2026-10")["monthlyCosts"]["closed"]
            assert totals(world, "acme") == "190"
            record(world, usage("late", budgetId="acme", timestamp=OCTOBER, providerCost="100"))
            closer.close_due(threading.Event())
            assert totals(world, "acme") == "280"
            due = AgreementMonths(database).due(services.clock(), 1_000)
            assert tenant not in {each.tenant for each in due}
        finally:
            committer.stop()
        assert world.get(CHECK)["ledgerCheck"]["ok"]


def test_verify_finds_a_month_that_disagrees_with_its_entries(world: Caller, database: Database) -> None:
    agree(world, BIG)
    assert world.get(CHECK)["ledgerCheck"]["ok"]
    uid = f"{world.principal.tenant}/deal@2026-10"
    text = (
        "MATCH (m:AgreementMonth {uid: $uid}) SET m.contracted_nano = m.contracted_nano + 1 "
        "RETURN m.uid AS uid"
    )
    database.writing(lambda transaction: transaction.run_text(text, {"uid": uid}))
    (found,) = world.get(CHECK)["ledgerCheck"]["findings"]
    assert found == {
        "invariant": "agreement_month deal 2026-10",
        "expected": "list 200, contracted 200, 2200 tokens",
        "actual": "list 200, contracted 200.000000001, 2200 tokens",
    }
    assert world.confined("other").get(CHECK)["ledgerCheck"]["ok"]
