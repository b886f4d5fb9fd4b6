"""``costgraph budget apply``: the difference first, then the change, and nothing the second time."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import MISUSED, REFUSED, Shell
from tests.support.quota_limits import FILE, LIMITS
from tests.support.servers import Client, ServerProcess

FOUND = """
query($id: ID!) { budget(budgetId: $id) { limits { meter window amount enforcement resource each } } }
"""


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


def limits(client: Client, budget_id: str) -> list[dict[str, Any]]:
    return client.data(FOUND, id=budget_id)["budget"]["limits"]


def in_full(limit: dict[str, Any]) -> dict[str, Any]:
    return {"window": None, "enforcement": "HARD", "resource": None, "each": None, **limit}


def test_a_file_is_shown_then_applied_and_changes_nothing_again(
    shell: Shell, client: Client, name: str
) -> None:
    shell.run("budget", "create", name, "--limit", "COST DAY 10 SOFT", "--limit", "TOKENS MONTH 5")
    before = limits(client, name)
    shown = shell.run("budget", "apply", str(FILE), "--budget", name, "--dry-run")
    assert re.search(r"^~ +llm\.max_cost_per_day +10 SOFT +250$", shown, re.MULTILINE)
    assert re.search(r"^\+ +agents\.max_lifetime_hours +- +24$", shown, re.MULTILINE)
    assert len([line for line in shown.splitlines() if line[:1] in "+~"]) == len(LIMITS)
    assert limits(client, name) == before
    assert "Change 16 limits" in shell.run(
        "budget", "apply", str(FILE), "--budget", name, stdin="n\n", code=REFUSED
    )
    assert limits(client, name) == before
    assert f"16 limits of {name} changed" in shell.run(
        "budget", "apply", str(FILE), "--budget", name, "--yes"
    )
    wanted = [in_full(each) for each in LIMITS.values()] + [
        in_full({"meter": "TOKENS", "window": "MONTH", "amount": "5"})
    ]
    found = limits(client, name)
    assert sorted(map(str, map(sorted_items, found))) == sorted(map(str, map(sorted_items, wanted)))
    for option in ("--yes", "--dry-run"):
        again = shell.run("budget", "apply", str(FILE), "--budget", name, option)
        assert "nothing to change" in again
    assert limits(client, name) == found


def sorted_items(limit: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(limit.items())


def test_it_asks_before_it_changes_something(shell: Shell, client: Client, name: str, tmp_path: Path) -> None:
    shell.run("budget", "create", name)
    file = tmp_path / "quotas.toml"
    file.write_text("[llm]\nmax_cost_per_day = 0.125\n")
    said = shell.run("budget", "apply", str(file), "--budget", name, stdin="y\n")
    assert "1 limits" in said
    assert [each["amount"] for each in limits(client, name)] == ["0.125"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[llm]\nmax_token_per_day = 1", "llm.max_token_per_day"),
        ("[agents]\nmax_concurrent_agents = -1", "agents.max_concurrent_agents"),
        ("[agents\n", "is not TOML"),
    ],
)
def test_a_wrong_file_is_said_before_anything_else(
    shell: Shell, name: str, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "quotas.toml"
    file.write_text(text)
    assert message in shell.run("budget", "apply", str(file), "--budget", name, "--yes", code=MISUSED)


def test_a_budget_that_is_not_there_is_said(shell: Shell, name: str) -> None:
    assert name in shell.run("budget", "apply", str(FILE), "--budget", name, "--yes", code=REFUSED)
