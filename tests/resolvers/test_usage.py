"""Recording usage through GraphQL, and reading it back by page."""

from typing import Any

import pytest

from tests.support.services import RECORD, Caller, budget, record, usage

ONE = """
mutation($input: RecordUsageInput!) {
  recordUsage(input: $input) {
    __typename
    ... on RecordedUsage { operationId duplicate pricing costEntry { totalCost } }
    ... on InvalidUsage { field code message }
  }
}
"""
PAGE = """
query($filter: UsageFilter, $first: Int!, $after: String) {
  usage(filter: $filter, first: $first, after: $after) {
    nodes { operationId } pageInfo { hasNextPage endCursor }
  }
}
"""
DAY = "2026-03-{:02d}T12:00:00Z"


def pages(caller: Caller, first: int, **filter_: Any) -> list[list[str]]:
    """The operation ids of page after page."""
    found: list[list[str]] = []
    after = None
    while True:
        page = caller.get(PAGE, first=first, after=after, filter=filter_)["usage"]
        found.append([node["operationId"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def listed(caller: Caller, first: int = 50, **filter_: Any) -> list[str]:
    """The operation ids of all pages."""
    return [each for page in pages(caller, first, **filter_) for each in page]


def test_a_usage_is_priced_and_charged(admin: Caller) -> None:
    budget(admin, "acme")
    shown = admin.get(ONE, input=usage("one", budgetId="acme"))["recordUsage"]
    assert shown == {
        "__typename": "RecordedUsage",
        "operationId": "one",
        "duplicate": False,
        "pricing": "PRICED",
        "costEntry": {"totalCost": "0.0035"},
    }


def test_a_repeated_usage_is_answered_as_the_first_time_and_charged_once(admin: Caller) -> None:
    budget(admin, "acme", amount="0.001")
    (first,) = record(admin, usage("one", budgetId="acme"))
    (again,) = record(admin, usage("one", budgetId="acme"))
    assert first.pop("duplicate") is False
    assert again.pop("duplicate") is True
    assert again == first
    assert [warning["code"] for warning in first["warnings"]] == ["BUDGET_EXCEEDED"]
    spent = admin.get('{ budget(budgetId: "acme") { status { spent } } }')["budget"]["status"]["spent"]
    assert spent == "0.0035"


def test_defaults_said_or_not_are_the_same_content(admin: Caller) -> None:
    record(admin, usage("one"))
    said = {
        "cacheReadTokens": 0,
        "outcome": "OK",
        "category": "api_call",
        "providerCostCurrency": "USD",
        "region": None,
    }
    assert record(admin, usage("one", **said))[0]["duplicate"] is True


def test_bad_rows_of_a_batch_fail_alone_and_name_the_field(admin: Caller) -> None:
    record(admin, usage("taken"))
    results = record(
        admin,
        usage("good"),
        usage("negative", promptTokens=-1),
        usage("huge", promptTokens=10**30),
        usage("parts", cacheReadTokens=2000),
        usage("naive", timestamp="2026-01-01T00:00:00"),
        usage("nonsense", timestamp="tomorrow"),
        usage("ancient", timestamp="1812-01-01T00:00:00Z"),
        usage("money", providerCost="a lot"),
        usage("", promptTokens=1),
        usage("tags", tags={"nested": {"a": 1}}),
        usage("taken", promptTokens=7),
        usage("also good"),
    )
    kinds = [each["__typename"] for each in results]
    assert kinds == ["RecordedUsage", *["InvalidUsage"] * 9, "OperationConflict", "RecordedUsage"]
    fields = [each["field"] for each in results[1:10]]
    assert fields[:5] == ["promptTokens", "promptTokens", "cacheReadTokens", "timestamp", "timestamp"]
    assert fields[6:8] == ["providerCost", "operationId"]
    assert str(fields[8]).startswith("tags")
    assert results[1]["operationId"] == "negative"
    assert sorted(listed(admin)) == ["also good", "good", "taken"]


@pytest.mark.parametrize(
    "said",
    [
        {"promptTokens": 1.5},
        {"promptTokens": "7"},
        {"promptTokens": None},
        {"timestamp": 1700000000},
        {"providerCost": 0.1},
        {"outcome": "FINE"},
        {"agentId": None},
        {"surprise": 1},
    ],
)
def test_what_is_not_of_the_schema_is_refused_as_a_whole(admin: Caller, said: dict[str, Any]) -> None:
    answer = admin.ask(RECORD, inputs=[usage("one", **said)])
    assert answer.code == "INVALID"
    assert listed(admin) == []


def test_whether_counts_were_reported_is_kept(admin: Caller) -> None:
    silent = {"operationId": "silent", "agentId": "a", "capabilityType": "chat", "outcome": "ERROR"}
    record(admin, silent, {**silent, "operationId": "zero", "promptTokens": 0})
    nodes = admin.get("{ usage { nodes { operationId usageReported } } }")["usage"]["nodes"]
    assert {each["operationId"]: each["usageReported"] for each in nodes} == {"silent": False, "zero": True}


def test_a_batch_has_a_size(admin: Caller) -> None:
    answer = admin.ask(RECORD, inputs=[usage(f"op{number}") for number in range(1001)])
    assert (answer.code, answer.field) == ("INVALID", "inputs")
    assert listed(admin) == []
    assert admin.get(RECORD, inputs=[])["recordUsages"] == []


def test_everything_that_was_said_is_read_back(admin: Caller) -> None:
    budget(admin, "acme")
    said = {
        "timestamp": "2026-03-01T12:00:00.5Z",
        "cacheReadTokens": 100,
        "cacheWriteTokens": 50,
        "cacheWrite1hTokens": 20,
        "reasoningTokens": 10,
        "audioInputTokens": 5,
        "audioOutputTokens": 4,
        "imageInputTokens": 3,
        "imageOutputTokens": 2,
        "userId": "u",
        "sessionId": "s",
        "region": "eu",
        "category": "batch",
        "outcome": "CANCELLED",
        "tags": {"run": 7, "hot": True},
        "parentOperationId": "before",
    }
    record(admin, usage("one", budgetId="acme", providerCost="0.25", **said))
    names = " ".join(said)
    (node,) = admin.get(
        f"{{ usage {{ nodes {{ {names} operationId agentId budgetId capabilityType modelId provider"
        " promptTokens completionTokens totalTokens pricing unpricedReason resourceType usageReported"
        " agent { agentId } budget { budgetId } costEntry { totalCost priceSource kind }"
        " costEntries { totalCost } } } }"
    )["usage"]["nodes"]
    assert {name: node[name] for name in said} == {**said, "timestamp": "2026-03-01T12:00:00.500000Z"}
    assert (node["agent"], node["budget"]) == ({"agentId": "agent"}, {"budgetId": "acme"})
    assert (node["pricing"], node["unpricedReason"], node["resourceType"]) == ("PRICED", None, "LLMTokens")
    assert (node["promptTokens"], node["completionTokens"], node["totalTokens"]) == (1000, 100, 1100)
    assert node["costEntry"]["totalCost"] == "0.25"
    assert node["costEntry"]["kind"] == "USAGE"
    assert node["costEntries"] == [{"totalCost": "0.25"}]


def test_unpriced_usage_is_a_list_of_its_own_last_recorded_first(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    strange = {"modelId": "no-such-model", "provider": "nobody"}
    record(
        admin,
        usage("u1", budgetId="web", timestamp=DAY.format(9), **strange),
        usage("priced", budgetId="web"),
    )
    record(
        admin,
        usage("u2", timestamp=DAY.format(2), agentId="other", **strange),
        usage("u3", budgetId="web", **strange),
    )
    assert pages(admin, 2, pricing="UNPRICED") == [["u3", "u2"], ["u1"]]
    assert pages(admin, 1, pricing="UNPRICED", budgetId="acme") == [["u3"], ["u1"]]
    assert listed(admin, pricing="UNPRICED", agentId="other") == ["u2"]
    assert listed(admin, pricing="UNPRICED", to=DAY.format(5)) == ["u2"]
    assert listed(admin, pricing="PRICED") == ["priced"]
    nodes = admin.get(
        "{ usage(filter: {pricing: UNPRICED})"
        " { nodes { unpricedReason costEntry { totalCost } costEntries { kind } } } }"
    )["usage"]["nodes"]
    assert nodes[0] == {"unpricedReason": "UNKNOWN_MODEL", "costEntry": None, "costEntries": []}


def test_filters_choose_and_combine(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "app", "acme")
    rows = [
        usage(
            f"op{number}",
            timestamp=DAY.format(number + 1),
            budgetId=("web", "app", "acme")[number % 3],
            agentId=f"agent{number % 2}",
            sessionId=f"session{number % 4}",
            userId=f"user{number % 5}",
            modelId=("gpt-4o", "gpt-4o-mini")[number % 2],
        )
        for number in range(12)
    ]
    record(admin, *rows)
    every = [f"op{number}" for number in reversed(range(12))]

    def those(wanted: Any) -> list[str]:
        return [each for each in every if wanted(int(each[2:]))]

    assert listed(admin, 5) == every
    assert listed(admin, 2, budgetId="acme") == every
    assert listed(admin, 2, budgetId="web") == those(lambda number: number % 3 == 0)
    assert listed(admin, 2, agentId="agent1") == those(lambda number: number % 2)
    assert listed(admin, 2, sessionId="session3") == those(lambda number: number % 4 == 3)
    assert listed(admin, 1, userId="user2") == those(lambda number: number % 5 == 2)
    assert listed(admin, 2, modelId="gpt-4o-mini") == those(lambda number: number % 2)
    assert listed(admin, 2, **{"from": DAY.format(3), "to": DAY.format(7)}) == ["op5", "op4", "op3", "op2"]
    assert listed(admin, 1, budgetId="app", agentId="agent0") == those(lambda number: number % 6 == 4)
    assert listed(admin, 1, budgetId="web", sessionId="session0") == those(lambda number: number % 12 == 0)
    assert listed(admin, 1, budgetId="acme", userId="user1", agentId="agent1") == ["op11", "op1"]
    assert listed(admin, 1, sessionId="session1", agentId="agent1", to=DAY.format(6)) == ["op1"]
    assert listed(admin, budgetId="nobody") == []
    assert listed(admin, agentId="nobody") == []
    assert listed(admin, sessionId="nobody") == []


def test_usages_of_one_instant_are_each_on_one_page(admin: Caller) -> None:
    budget(admin, "acme")
    for name in ("web", "app"):
        budget(admin, name, "acme")
    same = [
        usage(f"op/{number:02d}", timestamp=DAY.format(1), budgetId=("web", "app")[number % 2], sessionId="s")
        for number in range(11)
    ]
    record(admin, *same)
    every = [f"op/{number:02d}" for number in reversed(range(11))]
    for chosen in ({}, {"budgetId": "acme"}, {"agentId": "agent"}, {"sessionId": "s"}):
        assert listed(admin, 3, **chosen) == every


@pytest.mark.parametrize(
    "after",
    ["", "nonsense", "WzEsImJ1ZGdldHMiLCJ3ZWIiXQ", "W10", "bnVsbA", "x" * 5000, "é", "WzIsInVzYWdlIiwiMSJd"],
)
def test_a_cursor_is_of_this_list_and_unchanged(admin: Caller, after: str) -> None:
    record(admin, usage("one"))
    answer = admin.ask(PAGE, first=1, after=after, filter=None)
    assert (answer.code, answer.field) == ("INVALID", "after")


def test_a_cursor_of_the_unpriced_list_is_not_one_of_all_usage(admin: Caller) -> None:
    record(admin, usage("one", modelId="no-such-model", provider="nobody"))
    unpriced = admin.get(PAGE, first=1, after=None, filter={"pricing": "UNPRICED"})
    cursor = unpriced["usage"]["pageInfo"]["endCursor"]
    assert admin.ask(PAGE, first=1, after=cursor, filter=None).code == "INVALID"


@pytest.mark.parametrize("first", [0, -1, 501])
def test_a_page_has_a_length(admin: Caller, first: int) -> None:
    answer = admin.ask(PAGE, first=first, after=None, filter=None)
    assert (answer.code, answer.field) == ("INVALID", "first")


def test_a_confined_key_lists_what_was_charged_below_it(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "task", "web")
    record(
        admin,
        usage("above", budgetId="acme"),
        usage("here", budgetId="web"),
        usage("below", budgetId="task"),
        usage("nobody's"),
    )
    key = admin.confined("web")
    assert sorted(listed(key, 1)) == ["below", "here"]
    assert sorted(listed(key, 1, agentId="agent")) == ["below", "here"]
    assert listed(key, budgetId="task") == ["below"]
    assert listed(key, budgetId="acme") == []
    assert listed(key, budgetId="unattributed") == []
