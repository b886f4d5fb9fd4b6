"""Every quota of the source documents' file on real servers, on both engines: just below, at, past."""

import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.server.test_doors import CREATE_BUDGET, new_key
from tests.server.test_rest_reservations import called, make, reserve
from tests.support.quota_limits import LIMITS
from tests.support.servers import Client, ServerProcess, eventually

USAGE = """
query($id: ID) {
  quotaUsage(budgetId: $id) {
    budgetId currency tokensToday costToday concurrentAgents requestsThisMinute
    quotas { key used limit resetsAt }
  }
}
"""
LLM: dict[str, Any] = {
    "model_id": "gpt-4o",
    "provider": "openai",
    "amount": "0",
    "max_completion_tokens": 0,
}


def level(resource: str, most: int, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    held = {"resource": resource, "amount": "0", "requests": 0, **fields}
    return {**held, "quantity": most - 1}, {**held, "quantity": 1}


def requests(most: int, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**fields, "requests": most - 1}, {**fields, "requests": 1}


USED_UP: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], str]] = {
    "agents.max_concurrent_agents": (level("agents", 50), "Max concurrent agents reached: 50"),
    "agents.max_agents_per_user": (
        level("agents", 10, user_id="u"),
        "Max concurrent agents reached: 10 for user u",
    ),
    "llm.max_tokens_per_day": (
        ({**LLM, "prompt_tokens": 999_999}, {**LLM, "prompt_tokens": 1}),
        "Daily token quota exceeded: 1000000 / 1000000",
    ),
    "llm.max_requests_per_minute": (requests(100, **LLM), "Rate limit exceeded: 100 req/min"),
    "llm.max_cost_per_day": (
        ({"amount": "249.999999999"}, {"amount": "0.000000001"}),
        "Daily cost quota exceeded: 250 / 250",
    ),
    "sandboxes.max_concurrent_sandboxes": (level("sandboxes", 20), "Max concurrent sandboxes reached: 20"),
    "sandboxes.max_cpu_cores_total": (level("cpu_cores", 100), "Max concurrent cpu_cores reached: 100"),
    "sandboxes.max_memory_gb_total": (level("memory_gb", 500), "Max concurrent memory_gb reached: 500"),
    "sandboxes.max_disk_gb_total": (level("disk_gb", 2000), "Max concurrent disk_gb reached: 2000"),
    "api.max_requests_per_minute": (requests(1000, amount="0"), "Rate limit exceeded: 1000 req/min"),
    "api.max_requests_per_day": (requests(100_000, amount="0"), "Rate limit exceeded: 100000 req/day"),
    "api.max_concurrent_connections": (level("connections", 100), "Max concurrent connections reached: 100"),
    "storage.max_total_storage_gb": (level("storage_gb", 1000), "Max concurrent storage_gb reached: 1000"),
}
"""Of what is used up: what leaves it just below its limit, what takes the last of it; then the refusal."""

AT_ONCE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "llm.max_context_length": (
        {**LLM, "prompt_tokens": 100_000, "max_completion_tokens": 28_000},
        {**LLM, "prompt_tokens": 100_001, "max_completion_tokens": 28_000},
        "Max context length exceeded: 128001 / 128000",
    ),
    "storage.max_file_size_mb": (
        {"amount": "0", "size_bytes": 500_000_000},
        {"amount": "0", "size_bytes": 500_000_001},
        "Max file size exceeded: 500000001 / 500000000 bytes",
    ),
}
"""Of what limits a single request: the largest that passes, the smallest that does not; the refusal."""

ELSEWHERE = {"agents.max_lifetime_hours"}


def steady(*, minute: bool = False) -> None:
    """Wait until the day, or the minute, has some time left: a test's counts belong to one window."""
    now = datetime.now(UTC)
    last_of_day = (now.hour, now.minute) == (23, 59)
    if (minute or last_of_day) and now.second > 40:
        time.sleep(61 - now.second)


def limited(client: Client, name: str, key: str) -> str:
    """A budget whose only limit is a quota, and an agent's way to it from below."""
    make(client, name, limits=[LIMITS[key]])
    make(client, f"{name}-leaf", name)
    return f"{name}-leaf"


def used(client: Client, budget_id: str) -> dict[str, tuple[str, str]]:
    answer = client.get("/v1/quotas/usage", params={"budget_id": budget_id})
    assert answer.status_code == 200, answer.text
    return {each["key"]: (each["used"], each["limit"]) for each in answer.json()["quotas"]}


def test_each_quota_of_the_file_is_tried() -> None:
    assert LIMITS.keys() == USED_UP.keys() | AT_ONCE.keys() | ELSEWHERE


@pytest.mark.parametrize("key", USED_UP)
def test_a_quota_lets_all_of_itself_pass_and_nothing_more(client: Client, name: str, key: str) -> None:
    steady(minute=LIMITS[key].get("window") == "MINUTE")
    leaf = limited(client, name, key)
    (below, last), text = USED_UP[key]
    assert reserve(client, f"{name}-below", leaf, **below).status_code == 201
    assert reserve(client, f"{name}-dry", leaf, dry_run=True, **last).status_code == 200
    held = reserve(client, f"{name}-last", leaf, **last)
    assert held.status_code == 201, held.text
    most = used(client, name)[key]
    assert most[0] == most[1]
    for number in range(3):
        refused = reserve(client, f"{name}-past-{number}", leaf, **last)
        assert (refused.status_code, refused.json()["code"]) == (402, "BUDGET_EXCEEDED")
        assert refused.json()["message"].startswith(text)
        assert refused.json()["detail"]
    # What was refused is not counted, and what is given back may be had again.
    assert used(client, name)[key] == most
    assert client.post(f"/v1/reservations/{held.json()['reservation_id']}/release").status_code == 200
    assert used(client, name)[key] != most
    assert reserve(client, f"{name}-again", leaf, **last).status_code == 201
    assert used(client, name)[key] == most


@pytest.mark.parametrize("key", AT_ONCE)
def test_a_quota_on_one_request_takes_no_more_than_its_most(client: Client, name: str, key: str) -> None:
    leaf = limited(client, name, key)
    passing, refused, text = AT_ONCE[key]
    for number in range(2):
        assert reserve(client, f"{name}-{number}", leaf, **passing).status_code == 201
    answer = reserve(client, f"{name}-past", leaf, **refused)
    assert answer.status_code == 402
    assert answer.json()["message"].startswith(text)
    assert used(client, name)[key][0] == "0"


def test_a_lease_is_not_extended_past_its_lifetime(client: Client, name: str) -> None:
    leaf = limited(client, name, "agents.max_lifetime_hours")
    held = reserve(client, name, leaf, amount="0", ttl_seconds=86_400)
    assert held.status_code == 201
    extend = f"/v1/reservations/{held.json()['reservation_id']}/extend"
    shorter = {"idempotency_key": f"{name}-shorter", "ttl_seconds": 80_000}
    assert client.post(extend, json=shorter).status_code == 200
    past = client.post(extend, json={"idempotency_key": f"{name}-past", "ttl_seconds": 86_400})
    assert past.status_code == 402, past.text
    assert past.json()["message"].startswith("Max lifetime reached: 86400 s")
    assert "begin a new one" in past.json()["detail"]
    now = client.get(f"/v1/reservations/{held.json()['reservation_id']}").json()
    assert (now["state"], now["expires_at"]) == ("HELD", held.json()["expires_at"])


def test_a_lease_ends_with_its_lifetime(client: Client, name: str) -> None:
    make(
        client,
        name,
        limits=[
            {**LIMITS["agents.max_lifetime_hours"], "amount": "3"},
            {**LIMITS["agents.max_concurrent_agents"], "amount": "1"},
        ],
    )
    assert reserve(client, f"{name}-long", name, amount="0", ttl_seconds=4).status_code == 402
    held = reserve(client, name, name, amount="0", ttl_seconds=1)
    extend = f"/v1/reservations/{held.json()['reservation_id']}/extend"
    began, answers = time.monotonic(), list[int]()
    while answers[-1:] not in ([402], [409]):
        assert time.monotonic() - began < 10
        body = {"idempotency_key": f"{name}-{len(answers)}", "ttl_seconds": 1}
        answers.append(client.post(extend, json=body).status_code)
        time.sleep(0.1)
    assert set(answers) <= {200, 402, 409}
    assert 1.5 < time.monotonic() - began < 4
    eventually(lambda: reserve(client, f"{name}-next", name, amount="0", ttl_seconds=1).status_code == 201, 5)


HOLDER = """
import sys, time, httpx
url, key, budget = sys.argv[1:]
client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, trust_env=False)
body = {"idempotency_key": budget, "agent_id": "a", "budget_id": budget, "amount": "0", "ttl_seconds": 2}
held = client.post("/v1/reservations", json=body).json()["reservation_id"]
for beat in range(1000):
    print("held", flush=True)
    time.sleep(0.5)
    body = {"idempotency_key": str(beat), "ttl_seconds": 2}
    client.post(f"/v1/reservations/{held}/extend", json=body).raise_for_status()
"""


def test_a_level_returns_when_its_holder_is_killed(client: Client, server: ServerProcess, name: str) -> None:
    make(client, name, limits=[{**LIMITS["agents.max_concurrent_agents"], "amount": "1"}])
    arguments = [sys.executable, "-c", HOLDER, server.url, server.admin_key, name]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        for _ in range(6):  # it beats longer than its lease is given for
            assert holder.stdout.readline() == "held\n"
        assert used(client, name)["agents.max_concurrent_agents"] == ("1", "1")
        assert reserve(client, f"{name}-other", name, amount="0").status_code == 402
        holder.kill()
    eventually(lambda: used(client, name)["agents.max_concurrent_agents"] == ("0", "1"), 5)
    assert reserve(client, f"{name}-other", name, amount="0").status_code == 201


def test_requests_to_models_and_to_apis_are_counted_apart(client: Client, name: str) -> None:
    steady(minute=True)
    keys = ("llm.max_requests_per_minute", "api.max_requests_per_minute")
    make(client, name, limits=[{**LIMITS[key], "amount": "2"} for key in keys])
    assert reserve(client, f"{name}-l", name, **{**LLM, "requests": 2}).status_code == 201
    assert reserve(client, f"{name}-l2", name, **LLM).status_code == 402
    assert reserve(client, f"{name}-a", name, amount="0", requests=2).status_code == 201
    assert reserve(client, f"{name}-a2", name, amount="0").status_code == 402
    assert used(client, name) == dict.fromkeys(keys, ("2", "2"))


def test_each_user_has_agents_of_its_own_below_what_all_may_have(client: Client, name: str) -> None:
    keys = ("agents.max_concurrent_agents", "agents.max_agents_per_user")
    make(client, name, limits=[{**LIMITS[keys[0]], "amount": "3"}, {**LIMITS[keys[1]], "amount": "2"}])
    for number in range(2):
        assert reserve(client, f"{name}-u{number}", name, amount="0", user_id="u").status_code == 201
    third = reserve(client, f"{name}-u2", name, amount="0", user_id="u")
    assert third.json()["message"].startswith("Max concurrent agents reached: 2 for user u")
    assert reserve(client, f"{name}-v", name, amount="0", user_id="v").status_code == 201
    fourth = reserve(client, f"{name}-w", name, amount="0", user_id="w")
    assert fourth.json()["message"].startswith("Max concurrent agents reached: 3")
    assert used(client, name) == {keys[0]: ("3", "3"), keys[1]: ("2", "2")}


def test_usage_is_what_was_recorded_and_what_is_held_on_the_budget_and_below(
    client: Client, name: str
) -> None:
    steady(minute=True)
    leaf = f"{name}-leaf"
    make(client, name, limits=list(LIMITS.values()))
    make(client, leaf, name)
    row = called(leaf, name, budget_id=leaf, timestamp=None)
    assert client.post("/v1/usage", json=row).status_code == 201
    yesterday = {**row, "operation_id": f"{name}-old", "timestamp": "2026-01-01T00:00:00Z"}
    assert client.post("/v1/usage", json=yesterday).status_code == 201
    held = reserve(client, name, leaf, **{**LLM, "amount": "0.5", "prompt_tokens": 10, "user_id": "u"})
    assert held.status_code == 201
    answer = client.get("/v1/quotas/usage", params={"budget_id": name}).json()
    assert {each: value for each, value in answer.items() if each != "quotas"} == {
        "budget_id": name,
        "currency": "USD",
        "tokens_today": 1_110,
        "cost_today": "0.5035",
        "concurrent_agents": 1,
        "requests_this_minute": 2,
    }
    quotas = {each["key"]: each for each in answer["quotas"]}
    assert list(quotas) == list(LIMITS)
    assert (quotas["llm.max_tokens_per_day"]["used"], quotas["llm.max_cost_per_day"]["used"]) == (
        "1110",
        "0.5035",
    )
    assert quotas["llm.max_requests_per_minute"]["used"] == "2"
    assert quotas["agents.max_agents_per_user"]["used"] == "1"
    assert quotas["agents.max_lifetime_hours"]["limit"] == "24"
    assert 0 <= float(quotas["agents.max_lifetime_hours"]["used"]) < 0.01
    assert quotas["storage.max_file_size_mb"] == {
        "key": "storage.max_file_size_mb",
        "used": "0",
        "limit": "500",
        "resets_at": None,
    }
    now = datetime.now(UTC)
    minute = datetime.fromisoformat(quotas["llm.max_requests_per_minute"]["resets_at"])
    assert (minute.second, 0 < (minute - now).total_seconds() <= 60) == (0, True)
    day = datetime.fromisoformat(quotas["llm.max_tokens_per_day"]["resets_at"])
    assert (day.hour, day.minute, 0 < (day - now).total_seconds() <= 86_400) == (0, 0, True)
    told = client.data(USAGE, id=name)["quotaUsage"]
    assert [
        told[each] for each in ("tokensToday", "costToday", "concurrentAgents", "requestsThisMinute")
    ] == [
        1_110,
        "0.5035",
        1,
        2,
    ]
    assert {each["key"]: (each["used"], each["limit"]) for each in told["quotas"]}.keys() == quotas.keys()


def test_a_budget_without_quotas_is_counted_all_the_same(client: Client, name: str) -> None:
    make(client, name)
    reserve(client, name, name, amount="0.25")
    answer = client.get("/v1/quotas/usage", params={"budget_id": name}).json()
    assert (answer["cost_today"], answer["concurrent_agents"], answer["quotas"]) == ("0.25", 1, [])


def test_without_a_name_it_is_the_keys_own_budget_or_the_only_root(
    client: Client, server: ServerProcess, name: str
) -> None:
    with server.client(new_key(client, role="ADMIN", tenant=name)) as admin:
        assert admin.get("/v1/quotas/usage").json()["budget_id"] == "unattributed"
        admin.data(CREATE_BUDGET, input={"budgetId": "one", "budgetType": "PLATFORM"})
        assert admin.get("/v1/quotas/usage").json()["budget_id"] == "one"
        admin.data(CREATE_BUDGET, input={"budgetId": "two", "budgetType": "PLATFORM"})
        several = admin.get("/v1/quotas/usage")
        assert (several.status_code, several.json()["field"]) == (422, "budget_id")
        assert admin.ask(USAGE)["errors"][0]["extensions"]["field"] == "budgetId"
        confined = new_key(admin, role="VIEWER", budgetId="two", tenant=name)
    with server.client(confined) as viewer:
        assert viewer.get("/v1/quotas/usage").json()["budget_id"] == "two"
        for unseen in ("one", "nowhere"):
            answer = viewer.get("/v1/quotas/usage", params={"budget_id": unseen})
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
            assert viewer.data(USAGE, id=unseen) == {"quotaUsage": None}
