"""``costgraph audit`` against a running server, on both engines."""

import re

from tests.cli.test_commands import Shell
from tests.support.servers import ServerProcess


def test_who_changed_what_is_shown(server: ServerProcess, name: str) -> None:
    shell = Shell(server)
    shell.run("budget", "create", name, "--amount", "10")
    shell.run("budget", "set", name, "--amount", "12")
    shown = shell.run("audit", name).splitlines()
    assert shown[0].split() == ["when", "who", "what", "on", "changed"]
    assert re.search(rf"admin +budget\.update +{name} +amount_nano 10000000000 → 12000000000", shown[1])
    assert re.search(rf"admin +budget\.create +{name} ", shown[2])
    acts = shell.json("audit", name, "--last", "1")
    assert [(each["action"], each["subject"]) for each in acts] == [("budget.update", name)]
    assert "nowhere" in shell.run("audit", "nowhere", code=1)
