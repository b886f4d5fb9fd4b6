"""``POST /v1/usage`` on real servers, on both engines."""

import re
from typing import Any

import pytest

from server.limits import ROWS_MAX
from tests.support.servers import Client


def usage(operation_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "agent_id": f"{operation_id}-agent",
        "capability_type": "chat",
        "provider": "openai",
        "model_id": "gpt-4o",
        "timestamp": "2026-11-20T09:00:00Z",
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        **fields,
    }


def test_a_new_operation_is_created_with_its_cost(client: Client, name: str) -> None:
    answer = client.post("/v1/usage", json=usage(name))
    assert answer.status_code == 201
    body = answer.json()
    entry = body.pop("cost_entry")
    assert body == {
        "status": 201,
        "operation_id": name,
        "duplicate": False,
        "pricing": "PRICED",
        "warnings": [],
    }
    assert (entry["prompt_cost"], entry["completion_cost"], entry["total_cost"]) == (
        "0.0025",
        "0.001",
        "0.0035",
    )
    assert entry["currency"] == "USD"


def test_the_same_again_is_answered_with_the_first_result(client: Client, name: str) -> None:
    first = client.post("/v1/usage", json=usage(name))
    second = client.post("/v1/usage", json=usage(name))
    assert second.status_code == 200
    assert second.json() == {**first.json(), "status": 200, "duplicate": True}


def test_other_content_under_the_same_id_is_a_conflict(client: Client, name: str) -> None:
    client.post("/v1/usage", json=usage(name))
    answer = client.post("/v1/usage", json=usage(name, prompt_tokens=1_001))
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["operation_id"] == name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt_tokens": -1}, "prompt_tokens"),
        ({"prompt_tokens": 1.5}, "prompt_tokens"),
        ({"prompt_tokens": "1"}, "prompt_tokens"),
        ({"cache_read_tokens": 2_000}, "cache_read_tokens"),
        ({"timestamp": "2026-11-20 09:00:00"}, "timestamp"),
        ({"provider_cost": 0.1}, "provider_cost"),
        ({"model_id": None}, "model_id"),
        ({"agent_id": ""}, "agent_id"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"outcome": "MAYBE"}, "outcome"),
    ],
)
def test_an_invalid_operation_names_its_field(
    client: Client, name: str, fields: dict[str, Any], field: str
) -> None:
    answer = client.post("/v1/usage", json=usage(name, **fields))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert client.post("/v1/usage", json=usage(name)).status_code == 201, "nothing was recorded before"


def test_a_batch_answers_each_row_in_its_place(client: Client, name: str) -> None:
    rows = [
        usage(f"{name}-1"),
        usage(f"{name}-2", prompt_tokens=-1),
        7,
        usage(f"{name}-1"),
        usage(f"{name}-1", prompt_tokens=5),
        usage(f"{name}-3", model_id="no-such-model", provider="nobody"),
    ]
    answer = client.post("/v1/usage", json=rows)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [201, 422, 422, 200, 409, 201]
    assert results[5]["pricing"] == "UNPRICED"
    assert results[5]["cost_entry"] is None


def test_refused_rows_are_counted_by_their_code(client: Client, name: str) -> None:
    def refusals() -> float:
        found = re.search(r'costgraph_refusals_total\{code="INVALID"\} (\S+)', client.get("/metrics").text)
        return float(found[1]) if found else 0.0

    before = refusals()
    client.post("/v1/usage", json=[usage(name, prompt_tokens=-1), 7])
    client.post("/v1/usage", json=usage(name, prompt_tokens=-1))
    assert refusals() == before + 3


def test_an_empty_batch_is_nothing(client: Client) -> None:
    assert client.post("/v1/usage", json=[]).json() == {"results": []}


def test_a_batch_may_have_a_thousand_rows_and_no_more(client: Client, name: str) -> None:
    rows = [usage(f"{name}-{number}", agent_id=name) for number in range(ROWS_MAX + 1)]
    refused = client.post("/v1/usage", json=rows)
    assert (refused.status_code, refused.json()["code"]) == (413, "INVALID")
    results = client.post("/v1/usage", json=rows[:-1]).json()["results"]
    assert {each["status"] for each in results} == {201}


@pytest.mark.parametrize("body", [b'"text"', b"5", b"null", b"true"])
def test_what_is_neither_object_nor_array_is_refused(client: Client, body: bytes) -> None:
    answer = client.post("/v1/usage", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_an_unknown_budget_falls_through_with_a_warning(client: Client, name: str) -> None:
    answer = client.post("/v1/usage", json=usage(name, budget_id=f"{name}-nowhere"))
    assert answer.status_code == 201
    assert len(answer.json()["warnings"]) == 1
