"""``GET /v1/anomalies`` on real servers and both engines."""

from tests.server.test_rest_usage import usage
from tests.support.servers import Client

THEIRS = {
    "request_id",
    "provider",
    "model",
    "estimated_cost",
    "actual_cost",
    "difference_percent",
    "severity",
    "detected_at",
}
OURS = {"agent_id", "budget_id", "currency"}


def test_what_cost_something_else_than_was_estimated_is_listed(client: Client, name: str) -> None:
    for number, expected in enumerate(("0.0035", "0.002", "0.0001")):
        said = usage(f"{name}-{number}", agent_id=name, estimated_cost=expected)
        assert client.post("/v1/usage", json={**said, "provider_cost": "0.0035"}).status_code == 201
    body = client.get(f"/v1/anomalies?agent_id={name}").json()
    assert [each["severity"] for each in body["anomalies"]] == ["critical", "medium"]
    assert body["has_next_page"] is False
    last = body["anomalies"][0]
    assert last.keys() == THEIRS | OURS
    assert (last["estimated_cost"], last["actual_cost"], last["difference_percent"]) == (
        "0.0001",
        "0.0035",
        "3400",
    )
    page = client.get(f"/v1/anomalies?agent_id={name}&first=1").json()
    rest = client.get(f"/v1/anomalies?agent_id={name}&after={page['end_cursor']}").json()
    assert page["anomalies"] + rest["anomalies"] == body["anomalies"]
    only = client.get(f"/v1/anomalies?agent_id={name}&severity=medium&severity=low").json()
    assert [each["severity"] for each in only["anomalies"]] == ["medium"]
    assert client.get(f"/v1/anomalies?budget_id={name}-nowhere").json()["anomalies"] == []
    assert client.get(f"/v1/anomalies?agent_id={name}&to={last['detected_at']}").json()["anomalies"] == [
        body["anomalies"][1]
    ]


def test_what_grows_to_its_estimate_is_listed_no_longer(client: Client, name: str) -> None:
    budget = {"budgetId": name, "budgetType": "CUSTOM", "amount": "10"}
    create = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
    client.data(create, input=budget)
    asked = {"idempotency_key": name, "agent_id": name, "budget_id": name, "amount": "1"}
    held = client.post("/v1/reservations", json=asked).json()["reservation_id"]
    said = usage(name, agent_id=name, estimated_cost="0.02")
    del said["timestamp"]
    listed: list[int] = []
    for completion_tokens in (100, 1_700):
        body = {"usages": [{**said, "completion_tokens": completion_tokens}]}
        assert client.post(f"/v1/reservations/{held}/settle", json=body).status_code == 200
        listed.append(len(client.get(f"/v1/anomalies?agent_id={name}").json()["anomalies"]))
    assert listed == [1, 0]


def test_a_question_that_cannot_be_answered_names_what_is_wrong(client: Client) -> None:
    for query, field in (
        ("severity=awful", "severity"),
        ("first=0", "first"),
        ("from=then", "from"),
        ("x=1", "x"),
    ):
        answer = client.get(f"/v1/anomalies?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "INVALID")
        assert answer.json()["field"].startswith(field)
