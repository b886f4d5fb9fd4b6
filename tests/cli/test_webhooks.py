"""``costgraph webhooks``, as processes, against a running server on both engines."""

import re

from tests.cli.test_commands import MISUSED, REFUSED, Shell
from tests.support.servers import ServerProcess


def test_an_endpoint_is_made_listed_changed_and_deleted(server: ServerProcess, name: str) -> None:
    shell = Shell(server)
    address = f"https://example.com/{name}"
    secret = shell.run("webhooks", "create", address, "--type", "budget.exceeded").strip()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    (made,) = [each for each in shell.json("webhooks", "list") if each["url"] == address]
    assert (made["types"], made["enabled"], made["budgetId"]) == (["budget.exceeded"], True, None)
    endpoint = made["endpointId"]
    listed = shell.run("webhooks", "list")
    assert endpoint in listed
    assert secret not in listed
    assert "disabled" in shell.run("webhooks", "disable", endpoint)
    assert "enabled" in shell.run("webhooks", "enable", endpoint)
    changed = shell.run("webhooks", "set", endpoint, "--type", "budget.warning", "--type", "cost.recorded")
    assert "budget.warning, cost.recorded" in changed
    other = shell.run("webhooks", "rotate", endpoint).strip()
    assert other.startswith("whsec_")
    assert other != secret
    assert shell.json("webhooks", "dead-letters", endpoint) == []
    assert "0 dead letters" in shell.run("webhooks", "replay", endpoint)
    assert address in shell.run("webhooks", "delete", endpoint)
    assert endpoint not in shell.run("webhooks", "list")


def test_what_cannot_be_is_refused_with_a_reason(server: ServerProcess) -> None:
    shell = Shell(server)
    assert "https" in shell.run("webhooks", "create", "http://example.com/", code=REFUSED)
    assert "budget.warning" in shell.run(
        "webhooks", "create", "https://example.com/", "--type", "all", code=REFUSED
    )
    assert "nowhere" in shell.run(
        "webhooks", "create", "https://example.com/", "--budget", "nowhere", code=REFUSED
    )
    for command in ("enable", "rotate", "delete", "dead-letters", "replay"):
        assert "no webhook endpoint unknown" in shell.run("webhooks", command, "unknown", code=REFUSED)
    shell.run("webhooks", "create", code=MISUSED)
