"""Exports and teams over HTTP and from the command line, on real servers and both engines."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.test_doors import CREATE_BUDGET, new_key
from tests.server.test_rest_usage import usage
from tests.support.servers import Client, ServerProcess, costgraph


def make(client: Client, budget_id: str, parent: str | None = None, **fields: Any) -> None:
    said = {"budgetId": budget_id, "parentBudgetId": parent, "budgetType": "PROJECT", **fields}
    client.data(CREATE_BUDGET, input=said)


@pytest.fixture
def family(client: Client, name: str) -> str:
    """A budget with two below it, and three operations: 0.0035 USD each, the last without a price."""
    make(client, name)
    make(client, f"{name}-a", name)
    make(client, f"{name}-b", name)
    rows = [
        usage(f"{name}-1", budget_id=f"{name}-a", user_id="=cmd|' /C calc'!A0", tags={"run": 7}),
        usage(f"{name}-2", budget_id=f"{name}-b", timestamp="2026-11-21T09:00:00Z"),
        usage(f"{name}-3", budget_id=f"{name}-b", model_id="unheard-of", provider="nobody"),
    ]
    assert {each["status"] for each in client.post("/v1/usage", json=rows).json()["results"]} == {201}
    return name


def table(client: Client, path: str, **params: str) -> list[dict[str, str]]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


def test_usage_is_exported_with_its_entries(client: Client, family: str) -> None:
    rows = table(client, "/v1/exports/usage", budget_id=family)
    assert [row["operation_id"] for row in rows] == [f"{family}-{each}" for each in (2, 3, 1)]
    first = rows[2]
    assert first["total_cost"] == "0.003500000"
    assert first["user_id"] == "'=cmd|' /C calc'!A0"
    assert first["budget_id"] == f"{family}-a"
    assert json.loads(first["tags"]) == {"run": 7}
    assert (rows[1]["kind"], rows[1]["total_cost"]) == ("unpriced", "")


def test_json_lines_are_the_same_rows(client: Client, family: str) -> None:
    answer = client.get("/v1/exports/usage", params={"budget_id": family, "format": "JSONL"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert rows[2]["user_id"] == "=cmd|' /C calc'!A0"
    assert rows[2]["tags"] == {"run": 7}
    assert [row["total_cost"] for row in rows] == ["0.0035", None, "0.0035"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"from": "2026-11-21T00:00:00Z"}, [2]),
        ({"to": "2026-11-21T00:00:00+00:00"}, [3, 1]),
        ({"model_id": "gpt-4o"}, [2, 1]),
        ({"user_id": "=cmd|' /C calc'!A0"}, [1]),
        ({"pricing": "unpriced"}, [3]),
        ({"agent_id": "NAME-2-agent"}, [2]),
    ],
)
def test_usage_is_filtered(client: Client, family: str, params: dict[str, str], expected: list[int]) -> None:
    wanted = {name: value.replace("NAME", family) for name, value in params.items()}
    rows = table(client, "/v1/exports/usage", budget_id=family, **wanted)
    assert [row["operation_id"] for row in rows] == [f"{family}-{each}" for each in expected]


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("usage", {"format": "xlsx"}, "format"),
        ("usage", {"from": "yesterday"}, "from"),
        ("usage", {"unheard_of": "1"}, "unheard_of"),
        ("usage", {"pricing": "maybe"}, "pricing"),
        ("usage", {"to": ""}, "to"),
        ("usage", [("from", "2026-01-01T00:00Z"), ("from", "2026-01-01T00:00Z")], "from"),
        ("rollups", {}, "budget_id"),
        ("rollups", {"budget_id": "unattributed", "by": "moon"}, "by"),
        ("rollups", {"budget_id": "unattributed", "by": "model,model"}, "by"),
        ("rollups", {"budget_id": "unattributed", "granularity": "day", "from": "2026-01-01T00:01Z"}, "from"),
        ("rollups", {"budget_id": "unattributed", "include_descendants": "perhaps"}, "include_descendants"),
        ("rollups", {"budget_id": "unattributed", "timezone": "Mars/Base"}, None),
    ],
)
def test_what_makes_no_sense_names_its_parameter(
    client: Client, path: str, params: Any, field: str | None
) -> None:
    answer = client.get(f"/v1/exports/{path}", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    if field is not None:
        assert answer.json()["field"] == field


def test_rollups_are_exported(client: Client, family: str) -> None:
    rows = table(client, "/v1/exports/rollups", budget_id=family, by="budget", granularity="day")
    assert [(row["start"], row["budget"], row["operations"], row["total_cost"]) for row in rows] == [
        ("2026-11-20T00:00:00Z", f"{family}-a", "1", "0.003500000"),
        ("2026-11-20T00:00:00Z", f"{family}-b", "1", "0.000000000"),
        ("2026-11-21T00:00:00Z", f"{family}-b", "1", "0.003500000"),
    ]
    (total,) = table(client, "/v1/exports/rollups", budget_id=family)
    assert (total["operations"], total["total_cost"], total["currency"]) == ("3", "0.007000000", "USD")
    (own,) = table(client, "/v1/exports/rollups", budget_id=family, include_descendants="false")
    assert own["operations"] == "0"


def test_a_confined_key_exports_its_subtree_and_nothing_else(
    client: Client, server: ServerProcess, family: str
) -> None:
    with server.client(new_key(client, role="VIEWER", budgetId=f"{family}-a")) as confined:
        rows = table(confined, "/v1/exports/usage")
        assert [row["operation_id"] for row in rows] == [f"{family}-1"]
        for outside in (family, f"{family}-b", "unattributed"):
            for path in ("usage", "rollups"):
                answer = confined.get(f"/v1/exports/{path}", params={"budget_id": outside})
                assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    with server.client(new_key(client, role="ADMIN", tenant=f"{family}-tenant")) as stranger:
        assert table(stranger, "/v1/exports/usage") == []


def test_head_reads_no_table(client: Client, family: str) -> None:
    answer = client.head("/v1/exports/usage", params={"budget_id": family})
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_command_writes_whole_files(
    server: ServerProcess, client: Client, family: str, tmp_path: Path
) -> None:
    where = ["--url", server.url, "--key", server.admin_key]
    out = tmp_path / "usage.csv"
    ended = costgraph("export", "usage", "--budget", family, "--out", str(out), *where, settings={})
    assert ended.returncode == 0, ended.stderr
    expected = client.get("/v1/exports/usage", params={"budget_id": family}).content
    assert out.read_bytes() == expected
    ended = costgraph("export", "rollups", family, "--by", "model", "--format", "jsonl", *where, settings={})
    assert [json.loads(line)["model"] for line in ended.stdout.splitlines()] == [
        "gpt-4o",
        "unheard-of",
        "gpt-4o",
    ]

    refused = tmp_path / "refused.csv"
    ended = costgraph("export", "usage", "--budget", "nowhere", "-o", str(refused), *where, settings={})
    assert (ended.returncode, "nowhere" in ended.stderr) == (1, True)
    ended = costgraph("export", "usage", "-o", str(tmp_path / "no" / "file.csv"), *where, settings={})
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert [each.name for each in tmp_path.iterdir()] == ["usage.csv"]


def team(client: Client, name: str, **fields: Any) -> None:
    make(client, name, budgetType="TEAM", resourceId=f"{name}-team", **fields)


def test_a_team_has_the_source_documents_answers(client: Client, name: str) -> None:
    team(client, name, amount="0.01")
    rows = [
        usage(f"{name}-1", budget_id=name),
        usage(f"{name}-2", budget_id=name, timestamp="2026-11-21T09:00:00Z", category="embedding"),
        usage(f"{name}-3", budget_id=name, timestamp="2026-11-21T10:00:00Z", category="embedding"),
    ]
    client.post("/v1/usage", json=rows)
    path = f"/api/v1/teams/{name}-team"
    assert client.get(f"{path}/budget").text == (
        f'{{"team_id":"{name}-team","budget_limit":0.01,"current_spend":0.0105,"remaining":-0.0005,'
        '"utilization":105}'
    )
    assert client.get(f"{path}/costs").json() == {
        "by_category": [
            {"category": "embedding", "total_cost": 0.007, "total_units": 2_200},
            {"category": "api_call", "total_cost": 0.0035, "total_units": 1_100},
        ],
        "by_model": [{"model": "gpt-4o", "total_cost": 0.0105, "call_count": 3}],
        "timeline": [
            {"date": "2026-11-20", "total_cost": 0.0035},
            {"date": "2026-11-21", "total_cost": 0.007},
        ],
        "total": 0.0105,
    }


def test_a_team_without_a_limit_has_nulls(client: Client, name: str) -> None:
    team(client, name)
    assert client.get(f"/api/v1/teams/{name}-team/budget").json() == {
        "team_id": f"{name}-team",
        "budget_limit": None,
        "current_spend": 0,
        "remaining": None,
        "utilization": None,
    }
    assert client.get(f"/api/v1/teams/{name}-team/costs").json()["total"] == 0


def test_unknown_and_foreign_teams_are_alike(client: Client, server: ServerProcess, family: str) -> None:
    team(client, f"{family}-t")
    make(client, f"{family}-twin", budgetType="TEAM", resourceId=f"{family}-t-team")
    with server.client(new_key(client, role="VIEWER", budgetId=family)) as confined:
        for caller, wanted in ((confined, f"{family}-t-team"), (client, f"{family}-team"), (client, family)):
            answer = caller.get(f"/api/v1/teams/{wanted}/budget")
            assert (answer.status_code, answer.json()["field"]) == (404, "team_id")
    several = client.get(f"/api/v1/teams/{family}-t-team/budget")
    assert (several.status_code, f"{family}-twin" in several.text) == (409, True)
    one = client.get(f"/api/v1/teams/{family}-t-team/budget", params={"budget_id": f"{family}-twin"})
    assert one.status_code == 200
