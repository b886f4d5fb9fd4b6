"""Prices at their edges, through the API on both engines: nothing to spend, nothing known, far too much."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.reserving import held, reserve, settle
from tests.support.services import Caller, budget, record, usage

STATUS = "query($id: ID!) { budget(budgetId: $id) { status { spent reserved available utilization state } } }"
ENTRIES = """query($id: ID!) { operation(operationId: $id) { pricing costEntries {
  totalCost currency fxFrom fxRate fxDate explanation { exact lines }
} } }"""
RATES = "mutation($csv: String!) { addExchangeRates(input: {ecbCsv: $csv}) { new } }"
ECB = "Date,USD,JPY,KWD\n2026-11-20,1.25,200,0.375\n"
AT = "2026-11-20T12:00:00Z"
TRILLION = 10**12


def status(caller: Caller, budget_id: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(STATUS, id=budget_id)["budget"]["status"]
    return found


def test_a_balance_of_zero_refuses_what_costs_and_takes_what_is_free(admin: Caller) -> None:
    budget(admin, "broke", amount="0")
    refused = reserve(admin, "k", "broke", amount="0.000000001")
    assert refused["__typename"] == "BudgetExceeded"
    assert [(each["limit"], each["available"]) for each in refused["violations"]] == [("0", "0")]
    (free,) = record(admin, usage("free", budgetId="broke", providerCost="0"))
    assert (free["costEntry"]["totalCost"], free["warnings"]) == ("0", [])
    unspent = {"spent": "0", "reserved": "0", "available": "0", "utilization": 0.0, "state": "OK"}
    assert status(admin, "broke") == unspent
    (spent,) = record(admin, usage("spent", budgetId="broke", providerCost="0.01"))
    assert [each["code"] for each in spent["warnings"]] == ["BUDGET_EXCEEDED"]
    assert (status(admin, "broke")["available"], status(admin, "broke")["state"]) == ("-0.01", "EXCEEDED")


def test_a_million_million_tokens_cost_exactly_what_they_must(admin: Caller) -> None:
    budget(admin, "huge", amount="9000000000")
    said = {"promptTokens": TRILLION, "completionTokens": TRILLION, "cacheReadTokens": TRILLION - 1}
    (found,) = record(admin, usage("op", budgetId="huge", **said))
    # gpt-4o: 2.50 for a million of input, 1.25 cached, 10 of output.
    exact = Decimal("0.0000025") + Decimal("0.00000125") * (TRILLION - 1) + Decimal("0.00001") * TRILLION
    assert Decimal(found["costEntry"]["totalCost"]) == exact.quantize(Decimal("1e-9"))
    (entry,) = admin.get(ENTRIES, id="op")["operation"]["costEntries"]
    assert entry["explanation"]["exact"] is True
    assert Decimal(status(admin, "huge")["spent"]) == Decimal(found["costEntry"]["totalCost"])
    (past,) = record(admin, usage("past", budgetId="huge", modelId="gpt-4", promptTokens=1_000 * TRILLION))
    assert (past["__typename"], past["code"]) == ("InvalidUsage", "AMOUNT_OUT_OF_RANGE")
    assert Decimal(status(admin, "huge")["spent"]) == Decimal(found["costEntry"]["totalCost"])


@pytest.mark.parametrize(
    ("currency", "rate", "cost"),
    [("JPY", "160", "0.56"), ("KWD", "0.3", "0.00105"), ("EUR", "0.8", "0.0028")],
)
def test_a_budget_in_yen_or_dinars_keeps_the_rate_and_every_nano(
    admin: Caller, currency: str, rate: str, cost: str
) -> None:
    admin.get(RATES, csv=ECB)
    budget(admin, "abroad", amount="100", currency=currency)
    record(admin, usage("op", budgetId="abroad", timestamp=AT))
    (entry,) = admin.get(ENTRIES, id="op")["operation"]["costEntries"]
    assert (entry["totalCost"], entry["currency"]) == (cost, currency)
    assert (entry["fxFrom"], entry["fxRate"], entry["fxDate"]) == ("USD", rate, "2026-11-20")
    assert entry["explanation"]["exact"] is True
    assert f"at {rate} {currency} per USD of 2026-11-20 (ecb)" in " ".join(entry["explanation"]["lines"])


def test_a_stream_is_priced_as_it_flows_and_ends_at_the_price_of_its_sum(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    hold = held(admin, "k", "acme", modelId="gpt-4o", promptTokens=1000, maxCompletionTokens=5000)
    for completion, spent in ((0, "0.0025"), (333, "0.00583"), (1000, "0.0125")):
        said = usage("op", completionTokens=completion)
        answer = settle(admin, hold["reservationId"], said, final=completion == 1000)
        assert answer["__typename"] == "Settled"
        assert status(admin, "acme")["spent"] == spent
    shown = admin.get(ENTRIES, id="op")["operation"]["costEntries"]
    assert sum(Decimal(each["totalCost"]) for each in shown) == Decimal("0.0125")
    (whole,) = record(admin, usage("whole", budgetId="acme", completionTokens=1000))
    assert whole["costEntry"]["totalCost"] == "0.0125"
