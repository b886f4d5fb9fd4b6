"""Estimates before a call and anomalies after it, through GraphQL on both engines."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from graph.anomalies import Anomalies, AnomalyQuery
from graph.database import Database
from tests.resolvers.test_price import put
from tests.support.reserving import held, settle
from tests.support.services import Caller, budget, record, usage

ESTIMATE = """
query($input: EstimateInput!) {
  estimate(input: $input) {
    inputTokens { tokenCount confidence method low high }
    outputTokens { tokenCount confidence method low high }
    baseCost platformFeePercent platformFee totalCost low high currency pricing reason
  }
}
"""
TOKENS = "query($input: TokenEstimateInput!) { tokenEstimate(input: $input) { tokenCount method low high } }"
ANOMALIES = """
query($filter: CostAnomalyFilter, $first: Int! = 50, $after: String) {
  costAnomalies(filter: $filter, first: $first, after: $after) {
    nodes {
      requestId provider model agentId budgetId estimatedCost actualCost currency differencePercent severity
      detectedAt
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CALL = {"provider": "openai", "modelId": "gpt-4o", "inputTokens": 1000, "expectedOutputTokens": 100}
COST = "0.0035"
"""Of a usage of 1,000 and 100 tokens."""


def estimate(caller: Caller, **said: Any) -> Any:
    return caller.get(ESTIMATE, input={**CALL, **said})["estimate"]


def anomalies(caller: Caller, **wanted: Any) -> list[str]:
    return [each["requestId"] for each in caller.get(ANOMALIES, filter=wanted)["costAnomalies"]["nodes"]]


def test_a_call_is_estimated_with_the_fee_and_an_interval(admin: Caller) -> None:
    found = estimate(admin)
    assert (found["baseCost"], found["platformFee"], found["totalCost"]) == (COST, "0.000175", "0.003675")
    assert (found["low"], found["high"], found["platformFeePercent"]) == ("0.003675", "0.003675", "5")
    free = estimate(admin, platformFeePercent="0")
    assert (free["totalCost"], free["currency"], free["pricing"]) == (COST, "USD", "PRICED")
    text = estimate(
        admin, modelId="claude-sonnet-4-5", provider="anthropic", inputTokens=None, inputText="word" * 8
    )
    assert text["inputTokens"] == {
        "tokenCount": 8,
        "confidence": 0.5,
        "method": "CHARS_DIV_4",
        "low": 4,
        "high": 32,
    }
    assert float(text["low"]) < float(text["totalCost"]) < float(text["high"])


def test_an_answer_s_length_comes_from_the_agent_s_own(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "other")
    rows = [
        usage(f"op{number}", agentId="writer", budgetId="acme", completionTokens=10 * (number + 1))
        for number in range(10)
    ]
    record(admin, *rows, usage("else", agentId="writer", budgetId="other", completionTokens=9_999))
    record(admin, usage("mini", agentId="writer", budgetId="acme", modelId="gpt-4o-mini", completionTokens=7))
    asked = {"expectedOutputTokens": None, "agentId": "writer"}
    made = estimate(admin.confined("acme"), **asked)["outputTokens"]
    assert made == {"tokenCount": 50, "confidence": 10 / 15, "method": "HISTORY", "low": 10, "high": 90}
    whole = admin.get(TOKENS, input={"agentId": "writer", "modelId": "gpt-4o"})["tokenEstimate"]
    assert whole == {"tokenCount": 60, "method": "HISTORY", "low": 20, "high": 100}
    assert admin.get(TOKENS, input={"agentId": "nobody"})["tokenEstimate"] is None
    answer = admin.ask(ESTIMATE, input={**CALL, "expectedOutputTokens": None, "agentId": "nobody"})
    assert (answer.code, answer.field) == ("INVALID", "expectedOutputTokens")


def test_texts_and_tasks_are_counted(admin: Caller) -> None:
    task = {"taskDescription": "d" * 40, "taskCriteria": ["c" * 40], "modelId": "claude-sonnet-4-5"}
    found = admin.get(TOKENS, input=task)["tokenEstimate"]
    assert found == {"tokenCount": 60, "method": "TASK_X3", "low": 20, "high": 180}
    text = admin.get(TOKENS, input={"text": "x" * 40})["tokenEstimate"]
    assert (text["tokenCount"], text["method"]) == (10, "CHARS_DIV_4")
    assert admin.ask(TOKENS, input={"text": "x", "agentId": "a"}).code == "INVALID"
    assert admin.ask(TOKENS, input={}).code == "INVALID"


def test_an_estimate_is_under_the_contract_and_in_the_currency_of_who_would_pay(admin: Caller) -> None:
    budget(admin, "acme", currency="EUR")
    put(admin, "deal", {"unit": "*", "discountPercent": "10"}, budgetId="acme")
    unknown = estimate(admin, budgetId="acme")
    assert (unknown["pricing"], unknown["reason"], unknown["baseCost"]) == ("UNPRICED", "NO_RATE", None)
    rate = "mutation($input: AddExchangeRatesInput!) { addExchangeRates(input: $input) { new } }"
    date = datetime.now(UTC).date().isoformat()
    admin.get(
        rate, input={"rates": [{"base": "EUR", "quote": "USD", "rate": "2", "date": date, "source": "t"}]}
    )
    found = estimate(admin, budgetId="acme")
    assert (found["baseCost"], found["currency"]) == ("0.001575", "EUR")
    assert estimate(admin.confined("acme"))["baseCost"] == "0.001575"
    assert estimate(admin, currency="EUR")["baseCost"] == "0.00175"
    assert admin.ask(ESTIMATE, input={**CALL, "budgetId": "nowhere"}).code == "NOT_FOUND"
    assert (
        admin.confined("acme").ask(ESTIMATE, input={**CALL, "budgetId": "unattributed"}).code == "NOT_FOUND"
    )


@pytest.fixture
def estimated(admin: Caller) -> Caller:
    """Four anomalies of every grade, and an estimate that was right."""
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "other")
    for name, expected, fields in (
        ("right", COST, {}),
        ("low", "0.0029", {"agentId": "b"}),
        ("medium", "0.0023", {"budgetId": "other"}),
        ("high", "0.0015", {}),
        ("critical", "0", {"agentId": "b"}),
    ):
        record(admin, usage(name, **{"budgetId": "web", "estimatedCost": expected, **fields}))
    return admin


def test_anomalies_are_found_by_who_paid_who_did_it_how_bad_and_when(estimated: Caller) -> None:
    assert anomalies(estimated) == ["critical", "high", "medium", "low"]
    assert anomalies(estimated, budgetId="acme") == ["critical", "high", "low"]
    assert anomalies(estimated, budgetId="other") == ["medium"]
    assert anomalies(estimated, budgetId="nowhere") == []
    assert anomalies(estimated, agentId="b") == ["critical", "low"]
    assert anomalies(estimated, severities=["HIGH", "LOW"]) == ["high", "low"]
    assert anomalies(estimated, budgetId="acme", agentId="agent", severities=["HIGH"]) == ["high"]
    (node,) = estimated.get(ANOMALIES, filter={"severities": ["MEDIUM"]})["costAnomalies"]["nodes"]
    when = node.pop("detectedAt")
    assert node == {
        "requestId": "medium",
        "provider": "openai",
        "model": "gpt-4o",
        "agentId": "agent",
        "budgetId": "other",
        "estimatedCost": "0.0023",
        "actualCost": COST,
        "currency": "USD",
        "differencePercent": "52.1739",
        "severity": "MEDIUM",
    }
    assert anomalies(estimated, **{"from": when}) == ["critical", "high", "medium"]
    assert anomalies(estimated, to=when) == ["low"]
    (worst,) = estimated.get(ANOMALIES, filter={"severities": ["CRITICAL"]})["costAnomalies"]["nodes"]
    assert worst["differencePercent"] is None


def test_anomalies_come_in_pages(estimated: Caller) -> None:
    found, after, more = list[str](), None, True
    while more:
        page = estimated.get(ANOMALIES, first=1, after=after)["costAnomalies"]
        found += [each["requestId"] for each in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert found == ["critical", "high", "medium", "low"]
    assert estimated.ask(ANOMALIES, after="nonsense").code == "INVALID"
    assert estimated.ask(ANOMALIES, first=501).code == "INVALID"


def test_a_page_passes_over_so_many_and_goes_on(estimated: Caller, database: Database, tenant: str) -> None:
    reads = Anomalies(database, passed_max=2)
    query = AnomalyQuery(tenant, agent_id="b", first=5)
    page = reads.page(query)
    assert ([each.anomaly.request_id for each in page.rows], page.has_next) == (["critical"], True)
    rest = reads.page(replace(query, after=page.end))
    assert ([each.anomaly.request_id for each in rest.rows], rest.has_next) == (["low"], False)


def test_a_confined_key_sees_the_anomalies_of_its_own_subtree(estimated: Caller) -> None:
    assert anomalies(estimated.confined("acme")) == ["critical", "high", "low"]
    assert anomalies(estimated.confined("acme"), budgetId="other") == []
    assert anomalies(estimated.confined("other")) == ["medium"]


def test_a_settled_reservation_is_compared(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    reservation = held(admin, "k", "acme", amount="1")["reservationId"]
    settle(admin, reservation, usage("op", estimatedCost="0.001"), final=False)
    assert anomalies(admin) == []
    settle(admin, reservation, usage("op", estimatedCost="0.001", completionTokens=200))
    (node,) = admin.get(ANOMALIES)["costAnomalies"]["nodes"]
    assert (node["actualCost"], node["severity"]) == ("0.0045", "CRITICAL")
