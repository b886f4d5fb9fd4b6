"""8,819 real calls, imported through the death of the server and of its engine; and imported again."""

import os
import signal
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import neo4j as neo4j_support
from tests.support.servers import (
    COMMAND,
    Client,
    ServerProcess,
    costgraph,
    environment,
    eventually,
    on_engine,
)

TRACE = Path(__file__).parents[3] / "shared" / "data" / "azure_llm_inference_2023_code.csv"
OPERATIONS, PROMPT_TOKENS, COMPLETION_TOKENS, COST = 8_819, 18_059_974, 245_896, Decimal("47.608895")

pytestmark = pytest.mark.skipif(
    not TRACE.exists(), reason="the Azure trace is not beside this repository (shared/data)"
)

ROLLUP = """
query Levels($budget: ID!) {
  budget(budgetId: $budget) {
    status { spent }
    rollup { total { operations promptTokens completionTokens totalCost } }
  }
}
"""
CREATE = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"


def levels(name: str) -> list[str]:
    return [f"{name}-platform", f"{name}-project", f"{name}-task"]


def make_tree(client: Client, name: str) -> None:
    parent = None
    for budget, kind in zip(levels(name), ("PLATFORM", "PROJECT", "TASK"), strict=True):
        wanted = {"budgetId": budget, "parentBudgetId": parent, "budgetType": kind}
        client.data(CREATE, input=wanted)
        parent = budget


def command(name: str) -> list[str]:
    options = {
        "--agent": f"{name}-coder",
        "--model": "gpt-4o",
        "--provider": "openai",
        "--budget": levels(name)[2],
    }
    flat = [word for option in options.items() for word in option]
    return ["import", "azure-llm-trace", str(TRACE), "--id-prefix", name, *flat]


def import_again(name: str, server: ServerProcess) -> subprocess.CompletedProcess[str]:
    where = ["--url", server.url, "--key", server.admin_key]
    return costgraph(*command(name), *where, settings={})


def figures(client: Client, budget: str) -> tuple[int, int, int, Decimal, Decimal]:
    found: dict[str, Any] = client.data(ROLLUP, budget=budget)["budget"]
    total = found["rollup"]["total"]
    return (
        total["operations"],
        total["promptTokens"],
        total["completionTokens"],
        Decimal(total["totalCost"]),
        Decimal(found["status"]["spent"]),
    )


def assert_exact(client: Client, name: str) -> None:
    for budget in levels(name):
        assert figures(client, budget) == (OPERATIONS, PROMPT_TOKENS, COMPLETION_TOKENS, COST, COST)
    checked = client.data(
        "query($id: ID!) { ledgerCheck(budgetId: $id) { ok findings { invariant expected actual } } }",
        id=levels(name)[0],
    )
    assert checked["ledgerCheck"] == {"ok": True, "findings": []}


def test_the_trace_comes_to_its_exact_figures_and_again_to_the_same(server: ServerProcess, name: str) -> None:
    with server.client() as client:
        make_tree(client, name)
        first = import_again(name, server)
        assert first.returncode == 0, first.stderr
        assert "8,819 recorded, 0 already there, 0 refused" in first.stdout
        assert "18,059,974 prompt and 245,896 completion tokens, 47.608895 USD" in first.stdout
        assert_exact(client, name)
        second = import_again(name, server)
        assert second.returncode == 0, second.stderr
        assert "0 recorded, 8,819 already there, 0 refused" in second.stdout
        assert_exact(client, name)
    verified = costgraph("verify", "--url", server.url, "--key", server.admin_key, settings={})
    assert (verified.returncode, verified.stdout) == (0, "The books agree.\n")


def start_import(name: str, server: ServerProcess) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [COMMAND, *command(name), "--url", server.url, "--key", server.admin_key],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_rows(client: Client, name: str, count: int) -> None:
    eventually(lambda: figures(client, levels(name)[0])[0] >= count, 120)


def test_an_import_survives_the_death_of_the_server_and_of_the_embedded_engine(
    tmp_path: Path, name: str
) -> None:
    settings = on_engine(tmp_path / "data")
    with ServerProcess(settings) as server:
        port = int(server.url.rpartition(":")[2])
        with server.client() as client:
            make_tree(client, name)
            importing = start_import(name, server)
            wait_for_rows(client, name, 1_000)
        server.kill()
    # The import waits; the new server adopts the engine; then the engine dies as well.
    with ServerProcess(settings, port=port) as server:
        with server.client() as client:
            wait_for_rows(client, name, 3_000)
        os.kill(server.engine()["pid"], signal.SIGKILL)
        output, errors = importing.communicate(timeout=300)
        assert importing.returncode == 0, errors
        assert "8,819 rows" in output
        assert "0 refused" in output
        with server.client() as client:
            assert_exact(client, name)
            import_again(name, server)
            assert_exact(client, name)


def test_an_import_survives_the_death_of_the_server_and_of_neo4j(tmp_path: Path, name: str) -> None:
    if reason := neo4j_support.missing():
        pytest.skip(reason)
    engine = neo4j_support.Neo4jProcess(tmp_path / "neo4j")
    settings = on_engine(tmp_path / "data", engine.connection)
    with ServerProcess(settings) as server:
        port = int(server.url.rpartition(":")[2])
        with server.client() as client:
            make_tree(client, name)
            importing = start_import(name, server)
            wait_for_rows(client, name, 1_000)
        server.kill()
    with ServerProcess(settings, port=port) as server:
        with server.client() as client:
            wait_for_rows(client, name, 3_000)
        engine.kill()
        time.sleep(0.5)
        engine = neo4j_support.Neo4jProcess(tmp_path / "neo4j", engine.port)
        output, errors = importing.communicate(timeout=300)
        assert importing.returncode == 0, errors
        assert "8,819 rows" in output
        with server.client() as client:
            assert_exact(client, name)
            import_again(name, server)
            assert_exact(client, name)
    engine.stop()
