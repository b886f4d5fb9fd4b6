"""A session that several clients report out of order, twice, on real servers: exact at each node."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.server.test_rest_usage import usage
from tests.support.servers import Client, ServerProcess

CLIENTS = 8
FANS = (4, 7, 6)
"""How many operations each one of a level delegates: 1 + 4 + 28 + 168 = 201, and one is left out."""
OPERATIONS = 200
CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
SUMS = (
    "{ operations promptTokens completionTokens totalTokens totalCost currency "
    "outcomes { outcome operations } }"
)
SHARES = f"own {SUMS} delegated {SUMS} total {SUMS}"
SESSION = f"""query($id: ID!) {{ session(sessionId: $id) {{
    {SHARES}
    operations {{ operationId parentOperationId depth outcome {SHARES} }}
    tree {{ operationId children {{ operationId children {{ operationId children {{ operationId }} }} }} }}
    agents {{ agentId {SHARES} }}
}} }}"""
DELEGATION = f"""query($id: ID!) {{
    delegation(operationId: $id) {{ {SHARES} }}
    operation(operationId: $id) {{ delegation {{ {SHARES} }} }}
}}"""


def family(name: str) -> list[dict[str, Any]]:
    """Operations of four levels, each of its own size, with a provider's own costs."""
    rows: list[dict[str, Any]] = []
    level: list[str | None] = [None]
    for depth, fan in enumerate((1, *FANS)):
        made: list[str | None] = []
        for parent in level:
            for _ in range(fan):
                if len(rows) == OPERATIONS:
                    break
                number = len(rows)
                row = usage(
                    f"{name}-{number}",
                    agent_id=f"{name}-agent{depth}",
                    session_id=name,
                    prompt_tokens=100 + number,
                    completion_tokens=number,
                    provider_cost=f"0.00{number + 1:03d}",
                    outcome="ERROR" if number % 7 == 3 else "OK",
                    timestamp=f"2026-11-20T09:{number // 60:02d}:{number % 60:02d}Z",
                )
                if parent is not None:
                    row["parent_operation_id"] = parent
                else:
                    row["budget_id"] = name
                rows.append(row)
                made.append(row["operation_id"])
        level = made
    return rows


def sums(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the API must say of some operations."""
    outcomes = Counter(row["outcome"] for row in rows)
    cost = sum((Decimal(row["provider_cost"]) for row in rows), Decimal())
    prompt, completion = (sum(row[f"{kind}_tokens"] for row in rows) for kind in ("prompt", "completion"))
    return {
        "operations": len(rows),
        "promptTokens": prompt,
        "completionTokens": completion,
        "totalTokens": prompt + completion,
        "totalCost": f"{cost.normalize():f}" if rows else "0",
        "currency": "USD" if rows else None,
        "outcomes": [
            {"outcome": outcome, "operations": outcomes[outcome]}
            for outcome in ("ERROR", "OK")
            if outcomes[outcome]
        ],
    }


def below(rows: list[dict[str, Any]], operation_id: str) -> list[dict[str, Any]]:
    """All that an operation delegated, at any depth."""
    children = [row for row in rows if row.get("parent_operation_id") == operation_id]
    return children + [each for child in children for each in below(rows, child["operation_id"])]


def report(server: ServerProcess, rows: list[dict[str, Any]], seed: int) -> Counter[int]:
    """One client's share, in an order of its own, in batches of several sizes."""
    statuses: Counter[int] = Counter()
    order = random.Random(seed)
    with server.client() as client:
        while rows:
            size = order.choice((1, 2, 5))
            answer = client.post("/v1/usage", json=rows[:size])
            assert answer.status_code == 200
            statuses.update(each["status"] for each in answer.json()["results"])
            rows = rows[size:]
    return statuses


@pytest.fixture
def reported(client: Client, server: ServerProcess, name: str) -> list[dict[str, Any]]:
    said = {"budgetId": name, "budgetType": "CUSTOM", "amount": "100"}
    client.data(CREATE_BUDGET, input=said)
    rows = family(name)
    assert len(rows) == OPERATIONS
    twice = [*rows, *rows]
    random.Random(name).shuffle(twice)
    shares = [twice[number::CLIENTS] for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda share: report(server, share[1], share[0]), enumerate(shares)))
    total: Counter[int] = sum(answers, Counter())
    assert total == {201: OPERATIONS, 200: OPERATIONS}
    return rows


def test_own_and_delegated_are_exact_at_each_node(
    client: Client, server: ServerProcess, name: str, reported: list[dict[str, Any]]
) -> None:
    session = client.data(SESSION, id=name)["session"]
    assert {part: session[part] for part in ("own", "delegated", "total")} == {
        "own": sums(reported),
        "delegated": sums([]),
        "total": sums(reported),
    }
    by_id = {row["operation_id"]: row for row in reported}
    assert {each["operationId"] for each in session["operations"]} == by_id.keys()
    for each in session["operations"]:
        row, delegated = by_id[each["operationId"]], below(reported, each["operationId"])
        assert each["own"] == sums([row])
        assert each["delegated"] == sums(delegated)
        assert each["total"] == sums([row, *delegated])
        assert each["parentOperationId"] == row.get("parent_operation_id")
        assert each["outcome"] == row["outcome"]
    assert max(each["depth"] for each in session["operations"]) == 3
    (root,) = session["tree"]
    assert [each["operationId"] for each in root["children"]] == [f"{name}-{n}" for n in range(1, 5)]
    for depth, each in enumerate(session["agents"]):
        own = [row for row in reported if row["agent_id"] == each["agentId"]]
        deeper = [row for row in reported if row["agent_id"] > each["agentId"]]
        assert each["agentId"] == f"{name}-agent{depth}"
        assert (each["own"], each["delegated"]) == (sums(own), sums(deeper))
    some = f"{name}-2"
    found = client.data(DELEGATION, id=some)
    wanted = {"own": sums([by_id[some]]), "delegated": sums(below(reported, some))}
    for part in (found["delegation"], found["operation"]["delegation"]):
        assert {key: part[key] for key in wanted} == wanted
    with server.database() as database:
        text = "MATCH ()-[d:DELEGATED]->(c:TokenUsage) WHERE c.session_uid = $uid RETURN count(d) AS links"
        with database.transaction() as transaction:
            (row,) = transaction.run_text(text, {"uid": f"default/{name}"})
            (ledger,) = transaction.run_text("MATCH (l:Ledger {uid: 'default'}) RETURN l.awaited AS awaited")
            (graph,) = transaction.run_text(
                "MATCH (u:TokenUsage) WHERE u.awaits_uid IS NOT NULL RETURN count(u) AS awaited"
            )
    assert row["links"] == OPERATIONS - 1
    assert ledger == graph
    assert client.data("{ ledgerCheck { ok } }")["ledgerCheck"]["ok"]


def test_the_spend_of_sub_agents_reaches_the_budget_of_their_parent(client: Client, name: str) -> None:
    client.data(CREATE_BUDGET, input={"budgetId": name, "budgetType": "CUSTOM", "amount": "100"})
    rows = family(name)
    for begin in range(0, OPERATIONS, 40):  # in order: whoever comes after its parent is paid for by it
        assert client.post("/v1/usage", json=rows[begin : begin + 40]).status_code == 200
    spent = client.data("query($id: ID!) { budget(budgetId: $id) { status { spent } } }", id=name)["budget"][
        "status"
    ]["spent"]
    assert spent == sums(rows)["totalCost"]


def test_cycles_are_refused(client: Client, name: str) -> None:
    first = usage(f"{name}-a", parent_operation_id=f"{name}-b")
    second = usage(f"{name}-b", parent_operation_id=f"{name}-a")
    assert client.post("/v1/usage", json=first).status_code == 201
    refused = client.post("/v1/usage", json=second)
    assert (refused.status_code, refused.json()["code"]) == (422, "CYCLE")
    assert refused.json()["field"] == "parent_operation_id"
    assert client.data(DELEGATION, id=f"{name}-b") == {"delegation": None, "operation": None}
    itself = client.post("/v1/usage", json=usage(f"{name}-c", parent_operation_id=f"{name}-c"))
    assert (itself.status_code, itself.json()["code"]) == (422, "CYCLE")
    assert client.post("/v1/usage", json=usage(f"{name}-b")).status_code == 201
    assert client.data(DELEGATION, id=f"{name}-b")["delegation"]["delegated"]["operations"] == 1


def test_what_is_asked_for_badly_is_refused(client: Client) -> None:
    for arguments in ("", 'operationId: "a", agentId: "b"', 'sessionId: "s", from: "2026-01-01T00:00:00Z"'):
        call = f"delegation({arguments})" if arguments else "delegation"
        errors = client.ask(f"{{ {call} {{ own {{ operations }} }} }}")["errors"]
        assert [each["extensions"]["code"] for each in errors] == ["INVALID"]
    assert client.data('{ session(sessionId: "nowhere") { sessionId } }') == {"session": None}
    assert client.data('{ delegation(agentId: "nobody") { own { operations } } }') == {"delegation": None}
