"""Archives on real servers and both engines: by themselves, by command, and through any number of kills."""

import json
import os
import random
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import Shell
from tests.server.test_doors import CREATE_BUDGET
from tests.server.test_rest_usage import usage
from tests.support import neo4j
from tests.support.archiving import ARCHIVE, CHECK, USAGE
from tests.support.servers import Client, ServerProcess, costgraph, eventually, on_engine

FULL = bool(os.environ.get("COSTGRAPH_TEST_FULL"))
OPERATIONS = 3_000 if FULL else 2_000
KILLS = 12 if FULL else 3
COUNTS = """
MATCH (u:TokenUsage) WHERE u.tenant = 'default'
RETURN count(u) AS usages, count(u.archived) AS archived, count(u.path_key) AS raw
"""
END_LEASE = "MATCH (r:Retention) SET r.lease_until_us = 0"
CLAIMS = "MATCH (a:Archive) RETURN coalesce(sum(a.operations), 0) AS operations"


@pytest.fixture(params=["arcadedb", "neo4j"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[dict[str, str]]:
    """A server's, on a graph of its own, with a folder of archives."""
    found = {"COSTGRAPH_ARCHIVE_DIR": str(tmp_path / "archive")}
    if request.param == "arcadedb":
        yield found | on_engine(tmp_path / "data")
        return
    if reason := neo4j.missing():
        pytest.skip(reason)
    with neo4j.neo4j_server(tmp_path / "neo4j") as engine:
        yield found | on_engine(tmp_path / "data", engine)


def old(name: str, number: int) -> dict[str, Any]:
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
    return usage(f"{name}-{number}", budget_id=name, timestamp=at.isoformat(), tags={"run": number})


def load(client: Client, name: str, count: int) -> None:
    client.data(CREATE_BUDGET, input={"budgetId": name, "budgetType": "PROJECT", "amount": "1000"})
    for begin in range(0, count, 500):
        rows = [old(name, number) for number in range(begin, min(count, begin + 500))]
        results = client.post("/v1/usage", json=rows).json()["results"]
        assert {each["status"] for each in results} == {201}


def dry(client: Client) -> Any:
    return client.data(ARCHIVE, input={"olderThanDays": 35, "dryRun": True})["archiveUsage"]


def folded(client: Client) -> bool:
    return "BEHIND" not in {each["reason"] for each in dry(client)["kept"]}


def archived(server: ServerProcess) -> tuple[int, int, int, int]:
    """Usages, stubs, raw usages, and what the archives say that they hold; ends a dead server's lease."""
    with server.database() as database, database.transaction() as transaction:
        transaction.run_text(END_LEASE)
        (counts,) = transaction.run_text(COUNTS)
        (claims,) = transaction.run_text(CLAIMS)
    return counts["usages"], counts["archived"], counts["raw"], claims["operations"]


def archive_until_killed(client: Client) -> None:
    """Small files, so that a kill falls between any two steps."""
    after = None
    try:
        while True:
            asked = {"olderThanDays": 35, "dryRun": False, "first": 150, "after": after}
            page = client.ask(ARCHIVE, input=asked)["data"]["archiveUsage"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return
    except Exception:  # noqa: BLE001 - the server is killed
        return


def test_runs_that_are_killed_lose_nothing_and_archive_nothing_twice(
    settings: dict[str, str], name: str
) -> None:
    rng = random.Random(5)
    server = ServerProcess(settings)
    try:
        with server.client() as client:
            load(client, name, OPERATIONS)
            eventually(lambda: folded(client), 60)
            before = archived(server)
        stubs = before[1]
        for _ in range(KILLS):
            with server.client() as client:
                thread = threading.Thread(target=archive_until_killed, args=[client])
                thread.start()
                time.sleep(rng.uniform(0.2, 1.2))
                server.kill()
                thread.join()
            server = ServerProcess(settings)
            usages, now, raw, claimed = archived(server)
            assert now >= stubs
            assert (usages, now + raw, claimed) == (before[0], before[0], now)
            stubs = now
        assert before[1] < stubs, "some were archived before the kills"
        with server.client() as client:
            client.data(ARCHIVE, input={"olderThanDays": 35, "dryRun": False})
            usages, now, raw, claimed = archived(server)
            assert claimed == now
            assert client.data(USAGE, filter={"budgetId": name})["usage"]["nodes"] == []
            assert client.data(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}
            again = client.post(
                "/v1/usage", json=[old(name, each) for each in range(0, OPERATIONS, 7)]
            ).json()
            assert {each["status"] for each in again["results"]} == {200}
        shell = Shell(server)
        assert "are what was archived" in shell.run("archive", "check")
    finally:
        if server.process.poll() is None:
            server.stop()


def test_usage_is_archived_by_itself_and_looked_after_by_command(
    settings: dict[str, str], name: str, tmp_path: Path
) -> None:
    with ServerProcess(settings) as server, server.client() as client:
        load(client, name, 30)
        client.post("/v1/usage", json=usage(f"{name}-new", budget_id=name))
        eventually(lambda: folded(client), 60)
        shell = Shell(server)
        found = shell.json("archive", "run", "--older-than", "35", "--dry-run")
        assert (found["operations"], found["files"]) == (30, 0)
    with ServerProcess(settings | {"COSTGRAPH_RETENTION_DAYS": "35"}) as server, server.client() as client:
        shell = Shell(server)
        eventually(lambda: len(shell.json("archive", "list")) > 0, 30)
        listed = shell.json("archive", "list")
        assert sum(each["operations"] for each in listed) >= 30
        assert name in shell.run("archive", "show", f"{name}-7")
        assert json.loads(shell.run("archive", "show", f"{name}-7"))["tags"] == {"run": 7}
        assert "is not archived" in shell.run("archive", "show", f"{name}-new", code=1)
        assert "are what was archived" in shell.run("archive", "check")
        assert "costgraph_archived_operations_total" in client.get("/metrics").text
        params = {"budget_id": name, "format": "jsonl"}
        answer = client.get("/v1/exports/usage", params=params)
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert [each["operation_id"] for each in rows] == [f"{name}-new"]
        until = answer.headers["costgraph-archived-until"]
        later = client.get("/v1/exports/usage", params=params | {"from": until})
        assert "costgraph-archived-until" not in later.headers
        where = ["--url", server.url, "--key", server.admin_key]
        ended = costgraph("export", "usage", "--budget", name, *where, settings={})
        assert f"before {until} may be archived" in " ".join(ended.stderr.split())
        assert f"{name}-new" in ended.stdout
        doctor = json.loads(costgraph("doctor", "--json", settings=server.settings).stdout)
        (told,) = (each for each in doctor if each["check"] == "archives")
        assert (told["state"], "after 35 days" in told["found"]) == ("ok", True)
        files = sorted((tmp_path / "archive" / "default").iterdir())
        files[0].write_bytes(b"not what it was")
        assert "damaged" in shell.run("archive", "check", code=1)
        files[0].unlink()
        assert "missing" in shell.run("archive", "check", code=1)
        doctor = json.loads(costgraph("doctor", "--json", settings=server.settings).stdout)
        (told,) = (each for each in doctor if each["check"] == "archives")
        assert (told["state"], "1 of their files are missing" in told["found"]) == ("warning", True)
