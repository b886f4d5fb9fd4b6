"""``/api/v1/pricing``: the source's keys, exact numbers, caches, on real servers and both engines."""

import json
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from server.rest.exact import exact_json
from tests.server.test_rest_usage import usage
from tests.support.servers import Client

BASE = "/api/v1/pricing"
THEIRS = {
    "provider",
    "model_name",
    "pricing_model",
    "input_price_per_1k",
    "output_price_per_1k",
    "max_input_tokens",
    "max_output_tokens",
    "effective_date",
    "last_updated",
}
OURS = {"currency", "price_per_request", "price_per_character", "price_per_second"}
COMPARED = {
    "openai/gpt-4": ("0.06", "0.063"),
    "openai/gpt-3.5-turbo": ("0.00125", "0.0013125"),
    "anthropic/claude-3-opus": ("0.0525", "0.055125"),
    "anthropic/claude-3-sonnet": ("0.0105", "0.011025"),
    "google/gemini-pro": ("0.0003125", "0.000328125"),
}
CREATE = "mutation($input: RateCardInput!) { createRateCard(input: $input) { version } }"
WITHDRAW = "mutation($id: ID!) { withdrawRateCard(cardId: $id) { version } }"


def model(provider: str, name: str, rest: str = "") -> str:
    return f"{BASE}/provider/{provider}/model/{name}{rest}"


def exact(answer: httpx.Response) -> Any:
    """The body with its numbers as they are written."""
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def test_a_price_has_the_source_s_keys_and_exact_numbers(client: Client) -> None:
    body = exact(client.get(model("openai", "gpt-4")))
    assert body.keys() == THEIRS | OURS
    assert (body["provider"], body["model_name"], body["pricing_model"]) == ("openai", "gpt-4", "token_based")
    assert (body["input_price_per_1k"], body["output_price_per_1k"]) == (Decimal("0.03"), Decimal("0.06"))
    assert (body["max_input_tokens"], body["currency"]) == (8192, "USD")
    assert b'"input_price_per_1k":0.03,' in client.get(model("openai", "gpt-4")).content


@pytest.mark.parametrize(
    "name", ["accounts/fireworks/models/nobody", "a:free", "a@20250101", "gpt-9/history"]
)
def test_an_unknown_model_is_not_found_whatever_its_name_holds(client: Client, name: str) -> None:
    answer = client.get(model("openai", name))
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert name.removesuffix("/history") in answer.json()["detail"]


def test_a_name_with_a_slash_and_a_colon_is_taken(client: Client) -> None:
    assert exact(client.get(model("openrouter", "deepseek/deepseek-r1:free")))["input_price_per_1k"] == 0
    dated = exact(client.get(model("google-vertex", "claude-sonnet-4-5@20250929")))
    assert dated["input_price_per_1k"] == Decimal("0.003")


def test_an_answer_may_be_kept_for_five_minutes_and_is_sent_once(client: Client) -> None:
    first = client.get(model("openai", "gpt-4o"))
    assert first.headers["cache-control"] == "private, max-age=300"
    again = client.get(model("openai", "gpt-4o"), headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = client.get(model("openai", "gpt-4o-mini"), headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_a_history_is_sent_once_though_its_first_point_moves(client: Client) -> None:
    path = model("openai", "gpt-4o", "/history")
    first = client.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    assert first.headers["etag"].startswith('W/"')
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    longer = client.get(path, params={"days": "31"}, headers={"if-none-match": first.headers["etag"]})
    assert longer.status_code == 200


def test_a_changed_card_shows_at_once_with_its_author_in_the_history(client: Client, name: str) -> None:
    path = model("openai", f"{name}-model")
    assert client.get(path).status_code == 404
    lines = [{"unit": unit, "price": "1", "per": 1_000_000} for unit in ("uncached", "completion")]
    said = {"cardId": name, "provider": "openai", "model": f"{name}-model", "lines": lines}
    client.data(CREATE, input={**said, "validFrom": "2026-01-02T03:00:00Z"})
    body = exact(client.get(path))
    assert (body["input_price_per_1k"], body["effective_date"]) == (Decimal("0.001"), "2026-01-02T00:00:00Z")
    assert body["last_updated"] > "2026"
    past = exact(client.get(f"{path}/history", params={"days": "7"}))
    assert (past["provider"], past["days"]) == ("openai", 7)
    (point,) = past["history"]
    assert (point["source"], point["changed_by"], point["input_price_per_1k"]) == (
        "override",
        "admin",
        Decimal("0.001"),
    )
    client.data(WITHDRAW, id=name)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("days", ["0", "367", "many", "-1", "1.5", "٣"])
def test_a_history_has_a_length(client: Client, days: str) -> None:
    answer = client.get(model("openai", "gpt-4o", "/history"), params={"days": days})
    assert (answer.status_code, answer.json()["field"]) == (422, "days")


def test_the_source_s_comparison_comes_to_its_figures(client: Client) -> None:
    models = [dict(zip(("provider", "model"), name.split("/"), strict=True)) for name in COMPARED]
    said = {"models": models, "input_tokens": 1000, "output_tokens": 500}
    body = exact(client.post(f"{BASE}/compare", json=said))
    assert list(body) == list(COMPARED)
    for name, (base, total) in COMPARED.items():
        found = body[name]
        assert (found["base_cost"], found["total_cost"]) == (Decimal(base), Decimal(total)), name
        assert found["platform_fee_percent"] == 5
        assert found["base_cost"] + found["platform_fee"] == found["total_cost"]


def test_an_estimate_says_how_it_was_made(client: Client, name: str) -> None:
    said = {"provider": "anthropic", "model": "claude-sonnet-4-5", "input_text": "x" * 4000}
    body = exact(client.post(f"{BASE}/estimate", json={**said, "expected_output_tokens": 500}))
    sent, made = body["input_tokens"], body["output_tokens"]
    assert (sent["token_count"], sent["method"], sent["low"], sent["high"]) == (
        1000,
        "chars_div_4",
        500,
        4000,
    )
    assert (made["token_count"], made["method"]) == (500, "exact")
    assert (body["base_cost"], body["total_cost"]) == (Decimal("0.0105"), Decimal("0.011025"))
    assert body["low"] < body["total_cost"] < body["high"]

    agent = f"{name}-agent"
    answers = [usage(f"{name}-{n}", agent_id=agent, completion_tokens=100 * n) for n in range(1, 12)]
    assert {each["status"] for each in client.post("/v1/usage", json=answers).json()["results"]} == {201}
    said = {"provider": "openai", "model": "gpt-4o", "input_tokens": 10, "agent_id": agent}
    made = exact(client.post(f"{BASE}/estimate", json=said))["output_tokens"]
    assert (made["token_count"], made["method"], made["low"], made["high"]) == (600, "history", 200, 1000)


def test_an_estimate_without_a_price_is_none_and_not_free(client: Client) -> None:
    said = {"provider": "nobody", "model": "new", "input_tokens": 1, "expected_output_tokens": 1}
    body = exact(client.post(f"{BASE}/estimate", json=said))
    assert (body["base_cost"], body["total_cost"], body["pricing"]) == (None, None, "UNPRICED")
    assert body["reason"] == "UNKNOWN_MODEL"


@pytest.mark.parametrize(
    ("path", "said", "field"),
    [
        ("estimate", {"model": "gpt-4o"}, "input_tokens"),
        ("estimate", {"model": "gpt-4o", "input_tokens": 1, "input_text": "x"}, "input_tokens"),
        ("estimate", {"model": "gpt-4o", "input_tokens": 1}, "expected_output_tokens"),
        ("estimate", {"model": "gpt-4o", "input_tokens": -1, "expected_output_tokens": 1}, "input_tokens"),
        ("estimate", {"input_tokens": 1}, "model"),
        ("estimate", {"model": "m", "input_tokens": 1, "love": 1}, "love"),
        ("compare", {"models": []}, "models"),
        ("compare", {"models": [{"provider": "openai", "model": "gpt-4o"}] * 101}, "models"),
        (
            "compare",
            {"models": [{"provider": "openai", "model": "gpt-4o"}], "platform_fee_percent": 101},
            "platform_fee_percent",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    client: Client, path: str, said: dict[str, Any], field: str
) -> None:
    answer = client.post(f"{BASE}/{path}", json=said)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def test_numbers_are_written_from_exact_decimals() -> None:
    body = {"a": Decimal("1E-9"), "b": [Decimal(100), None, True, "x\n"], "c": {}, "d": 1.5}
    text = exact_json(body)
    assert text == b'{"a":0.000000001,"b":[100,null,true,"x\\n"],"c":{},"d":1.5}'
    assert orjson.loads(text)["b"][0] == 100
