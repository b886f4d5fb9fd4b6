"""Wallets through GraphQL: topped up, shown, paged, and against their top-ups on both engines."""

from typing import Any

from graph.database import Database
from ledger.access import Role
from tests.support.reserving import held, reserve
from tests.support.services import Caller, budget, record, usage

TOP_UP = """
mutation($input: TopUpInput!) { topUp(input: $input) { budgetId wallet { ...Held } } }
fragment Held on Wallet {
  currency balance available reserved toppedUp spent forced lowBalanceThreshold lowBalance
}
"""
SHOW = """
query($id: ID!, $first: Int! = 50, $after: String) {
  budget(budgetId: $id) {
    lowBalanceThreshold limits { meter } status { effectiveAvailable limits { meter window amount } }
    wallet {
      balance available since
      topUps(first: $first, after: $after) {
        nodes { topUpId amount at reason } pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
CHECK = "query($id: ID) { ledgerCheck(budgetId: $id) { ok findings { invariant budgetId expected actual } } }"


def top_up(caller: Caller, key: str, amount: str, budget_id: str = "acme", **fields: Any) -> Any:
    said = {"idempotencyKey": key, "budgetId": budget_id, "amount": amount, **fields}
    return caller.get(TOP_UP, input=said)["topUp"]["wallet"]


def shown(caller: Caller, budget_id: str = "acme", **variables: Any) -> Any:
    return caller.get(SHOW, id=budget_id, **variables)["budget"]


def test_a_budget_has_a_wallet_from_its_first_top_up_on(admin: Caller) -> None:
    budget(admin, "acme", lowBalanceThreshold="2")
    budget(admin, "web", "acme")
    assert shown(admin)["wallet"] is None
    record(admin, usage("before", budgetId="web", providerCost="100"))
    assert top_up(admin, "a", "10", reason="invoice 1") == {
        "currency": "USD",
        "balance": "10",
        "available": "10",
        "reserved": "0",
        "toppedUp": "10",
        "spent": "0",
        "forced": "0",
        "lowBalanceThreshold": "2",
        "lowBalance": False,
    }
    held(admin, "k", "web", amount="3")
    record(admin, usage("op", budgetId="web", providerCost="5.000000001"))
    refused = reserve(admin, "l", "web", amount="2")
    assert refused["message"].startswith("Insufficient balance: $2 requested, $1.999999999 available")
    now = top_up(admin, "b", "0.000000001")
    assert (now["balance"], now["available"], now["reserved"], now["lowBalance"]) == ("5", "2", "3", False)
    held(admin, "l", "web", amount="2")
    found = shown(admin)
    assert (found["limits"], found["lowBalanceThreshold"]) == ([], "2")
    assert found["status"]["effectiveAvailable"] == "0"
    assert found["status"]["limits"] == [{"meter": "COST", "window": "LIFETIME", "amount": "10.000000001"}]


def test_a_repeated_top_up_adds_once_and_another_is_a_conflict(admin: Caller) -> None:
    budget(admin, "acme")
    first = top_up(admin, "k", "5")
    assert top_up(admin, "k", "5.0") == first
    said = {"idempotencyKey": "k", "budgetId": "acme", "amount": "6"}
    answer = admin.ask(TOP_UP, input=said)
    assert (answer.code, answer.field) == ("CONFLICT", "idempotencyKey")
    taken = admin.ask(TOP_UP, input={**said, "idempotencyKey": "back", "amount": "-6"})
    assert (taken.code, taken.field) == ("CONFLICT", "amount")
    assert top_up(admin, "back", "-5")["balance"] == "0"


def test_top_ups_are_listed_the_newest_first_by_page(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "other")
    for number in range(5):
        top_up(admin, f"k{number}", str(number + 1), reason=f"invoice {number}")
    top_up(admin, "of-another", "9", "other")
    seen: list[str] = []
    after = None
    while True:
        page = shown(admin, first=2, after=after)["wallet"]["topUps"]
        seen += [each["topUpId"] for each in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == ["k4", "k3", "k2", "k1", "k0"]
    (last,) = shown(admin, first=1)["wallet"]["topUps"]["nodes"]
    assert (last["amount"], last["reason"]) == ("5", "invoice 4")
    assert admin.ask(SHOW, id="acme", after="guessed").code == "INVALID"
    assert admin.ask(SHOW, id="acme", first=501).code == "INVALID"


def test_who_may_top_up(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    for role in (Role.VIEWER, Role.RECORDER, Role.RESEARCHER):
        said = {"idempotencyKey": "k", "budgetId": "acme", "amount": "1"}
        assert admin.as_role(role).ask(TOP_UP, input=said).code == "FORBIDDEN"
    top_up(admin.as_role(Role.OPERATOR), "k", "1")
    confined = admin.confined("web")
    assert confined.ask(TOP_UP, input={**said, "idempotencyKey": "l"}).code == "NOT_FOUND"
    top_up(confined, "l", "1", "web")
    assert shown(confined, "web")["status"]["effectiveAvailable"] == "1"
    assert confined.get("{ budgets { nodes { wallet { balance } } } }") == {
        "budgets": {"nodes": [{"wallet": {"balance": "1"}}]}
    }


def test_a_wallet_above_shows_none_of_its_figures_below(admin: Caller) -> None:
    budget(admin, "acme", lowBalanceThreshold="777.7")
    budget(admin, "web", "acme")
    top_up(admin, "a", "777.7")
    confined = admin.confined("web")
    refused = reserve(confined, "k", "web", amount="900")
    assert refused["message"] == "Insufficient balance: a limit above this key's own budget"
    (violation,) = refused["violations"]
    assert (violation["budgetId"], violation["redacted"], violation["limit"]) == (None, True, "0")
    assert (violation["available"], violation["spent"]) == ("0", "0")
    found = held(confined, "l", "web", amount="1")
    (recorded,) = record(confined, usage("op", budgetId="web"))
    for each in (*found["warnings"], *recorded["warnings"]):
        assert (each["code"], each["budgetId"], each["limit"]) == ("LOW_BALANCE", None, None)
        assert "777" not in each["message"]
    assert len(found["warnings"]) == len(recorded["warnings"]) == 1
    status = shown(confined, "web")["status"]
    assert (status["effectiveAvailable"], status["limits"]) == (None, [])


def test_verify_compares_wallets_with_their_top_ups(admin: Caller, database: Database, tenant: str) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    top_up(admin, "a", "10")
    top_up(admin, "b", "5", "web")
    held(admin, "k", "web", amount="1")
    record(admin, usage("op", budgetId="web", providerCost="20"))
    assert admin.get(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}
    text = "MATCH (t:TopUp {uid: $uid}) SET t.amount_nano = 7 RETURN count(t) AS n"
    (row,) = database.writing(lambda each: each.run_text(text, {"uid": f"{tenant}/a"}))
    assert row["n"] == 1
    wrong = {"invariant": "wallet of acme", "budgetId": "acme", "expected": "0.000000007", "actual": "10"}
    assert admin.get(CHECK)["ledgerCheck"] == {"ok": False, "findings": [wrong]}
    assert admin.get(CHECK, id="web")["ledgerCheck"]["ok"]
    lost = "MATCH (t:TopUp {uid: $uid}) DETACH DELETE t RETURN count(*) AS n"
    database.writing(lambda each: each.run_text(lost, {"uid": f"{tenant}/b"}))
    found = admin.get(CHECK, id="web")["ledgerCheck"]["findings"]
    assert [(each["expected"], each["actual"]) for each in found] == [("0", "5")]
