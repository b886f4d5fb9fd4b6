"""``costgraph budget top-up``, and wallets in ``costgraph status``."""

import re

import pytest

from tests.cli.test_commands import REFUSED, Shell
from tests.support.servers import ServerProcess


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


def test_credit_is_added_taken_back_and_shown(shell: Shell, name: str) -> None:
    shell.run("budget", "create", name, "--low-balance", "5")
    shown = shell.run("budget", "top-up", name, "12.5", "--reason", "invoice 1")
    assert re.search(
        rf"^{name} +\$12\.5000 +\$0\.0000 +\$12\.5000 +\$12\.5000 +\$0\.0000", shown, re.MULTILINE
    )
    assert "idempotency key" in shown
    for _ in range(2):
        again = shell.json("budget", "top-up", name, "2.5", "--idempotency-key", f"{name}-k")
        assert again["wallet"]["balance"] == "15"
    taken = shell.run("budget", "top-up", name, "-11")
    assert re.search(rf"^{name} +\$4\.0000 .* low$", taken, re.MULTILINE)
    assert "4 is available" in shell.run("budget", "top-up", name, "-5", code=REFUSED)
    assert re.search(rf"^{name} +\$4\.0000", shell.run("status"), re.MULTILINE)
    shell.run("budget", "set", name, "--low-balance", "none")
    assert " low" not in shell.run("budget", "top-up", name, "1")
