"""The commands, as processes: against a running server on both engines, and on a folder of their own."""

import json
import re
import shlex
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.servers import COMMAND, Client, ServerProcess, costgraph, environment, on_engine

REFUSED, MISUSED, UNREACHABLE = 1, 2, 3


class Shell:
    """Runs commands against a server."""

    def __init__(self, server: ServerProcess) -> None:
        self._where = ["--url", server.url, "--key", server.admin_key]

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """A command's standard output; its standard error where it must fail."""
        ended = costgraph(*arguments, *self._where, settings={}, stdin=stdin)
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout if code == 0 else ended.stdout + ended.stderr

    def json(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


def line(name: str, **fields: Any) -> str:
    row = {
        "operation_id": name,
        "agent_id": f"{name}-agent",
        "capability_type": "chat",
        "provider": "openai",
        "model_id": "gpt-4o",
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        **fields,
    }
    return json.dumps(row) + "\n"


def test_a_tree_is_made_changed_moved_closed_and_shown(shell: Shell, name: str) -> None:
    root, child, other = f"{name}-root", f"{name}-child", f"{name}-other"
    shell.run("budget", "create", root, "--type", "platform", "--amount", "0.01", "--currency", "EUR")
    shell.run("budget", "create", child, "--parent", root, "--type", "task", "--amount", "0.005")
    assert "€0.01" in shell.run(
        "budget", "create", root, "--type", "platform", "--amount", "0.01", "--currency", "EUR"
    )
    cost = {"provider_cost": "0.0045", "provider_cost_currency": "EUR", "model_id": None}
    shell.run("import", "jsonl", "-", stdin=line(name, budget_id=child, **cost))

    shown = shell.run("budget", "tree", root).splitlines()
    assert re.search(rf"^{root} +█+.* 45\.0 % +€0\.0045 +€0\.01", shown[1])
    assert re.search(
        rf"^└─ {child} +█+.* 90\.0 % +€0\.0045 +€0\.01 +€0\.0005 +warning",
        shown[2].replace("€0.00 ", "€0.01 "),
    )

    shell.run("budget", "set", child, "--amount", "0.0045")
    (found,) = [each for each in shell.json("budget", "tree", root) if each["budgetId"] == child]
    assert (found["depth"], found["amount"], found["status"]["state"]) == (1, "0.0045", "EXCEEDED")

    shell.run("budget", "create", other, "--currency", "EUR")
    shell.run("budget", "move", child, "--under", other)
    assert [each["budgetId"] for each in shell.json("budget", "tree", other)] == [other, child]
    shell.run("budget", "move", child, "--root")
    assert [each["budgetId"] for each in shell.json("budget", "tree", other)] == [other]

    shell.run("budget", "close", other)
    assert other not in shell.run("budget", "tree")
    assert "closed" in shell.run("budget", "tree", "--closed")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("budget", "create", "{name}", "--parent", "nowhere"), REFUSED, "nowhere"),
        (("budget", "create", "{name}", "--amount", "-1"), REFUSED, "amount"),
        (("budget", "create", "{name}", "--amount", "much"), REFUSED, "much"),
        (("budget", "create", "{name}", "--type", "sort"), REFUSED, "SORT"),
        (("budget", "create", "{name}", "--timezone", "Mars/Base"), REFUSED, "Mars/Base"),
        (("budget", "set", "{name}", "--amount", "1"), REFUSED, "{name}"),
        (("budget", "set", "{name}"), MISUSED, "Say what to change"),
        (("budget", "create", "{name}", "--limit", "COST DAY"), MISUSED, "it has no amount"),
        (("budget", "create", "{name}", "--limit", "LOVE DAY 1"), MISUSED, "LOVE is none of COST, TOKENS"),
        (("budget", "create", "{name}", "--limit", "COST DAY 1 MAYBE"), MISUSED, "MAYBE has no place"),
        (("budget", "create", "{name}", "--limit", "COST DAY 1 each"), MISUSED, "nothing is none of USER"),
        (("budget", "create", "{name}", "--limit", "COST DAY much"), REFUSED, "much"),
        (("budget", "create", "{name}", "--limit", "LEVEL DAY 1 of agents"), REFUSED, "LEVEL goes with"),
        (("budget", "create", "{name}", "--limit", "LEVEL 1"), REFUSED, "names its resource"),
        (("budget", "create", "{name}", "--threshold", "half"), MISUSED, "is no threshold"),
        (("budget", "create", "{name}", "--threshold", "0.5 hysteresis"), MISUSED, "is no threshold"),
        (("budget", "create", "{name}", "--threshold", "1.5"), REFUSED, "at most 1"),
        (("override", "revoke", "{name}"), REFUSED, "{name}"),
        (("override", "grant", "{name}", "--amount", "1", "--reason", "r"), REFUSED, "{name}"),
        (("budget", "move", "{name}"), MISUSED, "--under PARENT"),
        (("budget", "move", "{name}", "--under", "x", "--root"), MISUSED, "--under PARENT"),
        (("budget", "close", "{name}"), REFUSED, "{name}"),
        (("budget", "tree", "{name}"), REFUSED, "There is no budget {name}"),
        (("verify", "{name}"), REFUSED, "{name}"),
        (("keys", "revoke", "{name}"), REFUSED, "{name}"),
        (("import", "jsonl", "{name}.jsonl"), REFUSED, "No such file"),
        (("unheard-of",), MISUSED, "unheard-of"),
    ],
)
def test_what_cannot_be_done_is_said_with_an_exit_code(
    shell: Shell, name: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    said = shell.run(*(each.format(name=name) for each in arguments), code=code)
    assert message.format(name=name) in said


LIMITS = """query($id: ID!) { budget(budgetId: $id) {
  carryOverCap limits { meter window amount enforcement resource each }
} }"""


def test_limits_are_said_in_words(shell: Shell, client: Client, name: str) -> None:
    said = (
        "COST DAY 25 HARD",
        "TOKENS day 1000 soft",
        "REQUESTS MINUTE 100 of llm each USER",
        "LEVEL 5 of agents",
    )
    limits = [each for text in said for each in ("--limit", text)]
    shell.run("budget", "create", name, "--recurrence", "monthly", "--carry-over-cap", "5", *limits)
    found = client.data(LIMITS, id=name)["budget"]
    assert found["carryOverCap"] == "5"
    assert sorted(tuple(each.values()) for each in found["limits"]) == [
        ("COST", "DAY", "25", "HARD", None, None),
        ("LEVEL", None, "5", "HARD", "agents", None),
        ("REQUESTS", "MINUTE", "100", "HARD", "llm", "USER"),
        ("TOKENS", "DAY", "1000", "SOFT", None, None),
    ]
    shell.run("budget", "set", name, "--limit", "COST WEEK 3.50 THROTTLE", "--carry-over-cap", "none")
    found = client.data(LIMITS, id=name)["budget"]
    assert found["carryOverCap"] is None
    assert [(each["window"], each["amount"], each["enforcement"]) for each in found["limits"]] == [
        ("WEEK", "3.5", "THROTTLE")
    ]
    shell.run("budget", "set", name, "--limit", "none")
    assert client.data(LIMITS, id=name)["budget"]["limits"] == []


def test_what_is_held_shows_in_the_tree_and_in_the_status(shell: Shell, client: Client, name: str) -> None:
    root, child = f"{name}-root", f"{name}-child"
    shell.run("budget", "create", root, "--amount", "1")
    shell.run("budget", "create", child, "--parent", root)
    for number in range(2):
        said = {"idempotency_key": f"{name}-{number}", "agent_id": name, "budget_id": child, "amount": "0.2"}
        assert client.post("/v1/reservations", json=said).status_code == 201
    shown = shell.run("budget", "tree", root).splitlines()
    assert shown[0].split() == ["budget", "spent", "of", "reserved", "available", "holds"]
    assert re.search(rf"^{root} .* 0\.0 % +\$0\.0000 +\$1\.00 +\$0\.4000 +\$0\.6000 +2$", shown[1].rstrip())
    assert re.search(rf"^└─ {child} .*\$0\.0000 +\$0\.4000 +2$", shown[2].rstrip())
    (found,) = [each for each in shell.json("status")["budgets"] if each["budgetId"] == root]
    assert (found["status"]["reserved"], found["status"]["available"]) == ("0.4", "0.6")
    assert found["openReservations"] == 2
    assert re.search(rf"^{root} .*\$0\.4000 +\$0\.6000 +2 *$", shell.run("status"), re.MULTILINE)


def test_a_cycle_is_refused(shell: Shell, name: str) -> None:
    shell.run("budget", "create", f"{name}-a")
    shell.run("budget", "create", f"{name}-b", "--parent", f"{name}-a")
    assert "error: " in shell.run("budget", "move", f"{name}-a", "--under", f"{name}-b", code=REFUSED)


def test_bad_rows_are_reported_and_the_others_recorded(shell: Shell, name: str) -> None:
    rows = [
        line(f"{name}-1"),
        "not json\n",
        line(f"{name}-2", prompt_tokens=-1),
        line(f"{name}-3", provider="nobody", model_id="unheard-of"),
        line(f"{name}-1", prompt_tokens=5),
        line(f"{name}-1"),
    ]
    said = shell.run("import", "jsonl", "-", stdin="".join(rows), code=REFUSED)
    assert "6 rows: 2 recorded, 1 already there, 3 refused" in said
    assert "line 2: not JSON" in said
    assert "line 3: prompt_tokens" in said
    assert "line 5: " in said
    assert "1 rows wait for a price" in said
    assert "error: 3 rows were refused; the others are recorded." in said


def test_rows_without_an_id_are_imported_once(shell: Shell, name: str, tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    row = {"agent_id": name, "capability_type": "chat", "outcome": "ERROR"}
    file.write_text(f"{json.dumps(row)}\n" * 3, encoding="utf-8")
    assert "3 recorded, 0 already there" in shell.run("import", "jsonl", str(file), "--id-prefix", name)
    assert "0 recorded, 3 already there" in shell.run("import", "jsonl", str(file), "--id-prefix", name)
    assert "3 recorded" in shell.run("import", "jsonl", str(file), "--id-prefix", f"{name}-again")


def test_a_trace_of_another_kind_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    said = shell.run(
        "import", "azure-llm-trace", str(file), "--agent", "a", "--model", "gpt-4o", code=REFUSED
    )
    assert "line 1: the first line must be TIMESTAMP,ContextTokens,GeneratedTokens" in said


def test_a_key_is_made_used_listed_and_revoked(shell: Shell, server: ServerProcess, name: str) -> None:
    shell.run("budget", "create", name)
    secret = shell.run("keys", "create", name, "--role", "recorder", "--budget", name).strip()
    assert re.fullmatch(r"cg_[\w-]{43}", secret)
    mine = costgraph("budget", "tree", "--json", "--url", server.url, "--key", secret, settings={})
    assert [each["budgetId"] for each in json.loads(mine.stdout)] == [name]
    forbidden = costgraph("budget", "close", name, "--url", server.url, "--key", secret, settings={})
    assert forbidden.returncode == REFUSED
    assert "recorder" in forbidden.stderr
    (listed,) = [each for each in shell.json("keys", "list") if each["name"] == name]
    assert (listed["role"], listed["budgetId"], listed["revokedAt"]) == ("RECORDER", name, None)
    assert secret not in shell.run("keys", "list")
    shell.run("keys", "revoke", listed["keyId"])
    (listed,) = [each for each in shell.json("keys", "list") if each["name"] == name]
    assert listed["revokedAt"] is not None


def test_status_shows_who_spends_just_now(shell: Shell, name: str) -> None:
    root = f"{name}-root"
    shell.run("budget", "create", root, "--amount", "100")
    rows = [
        line(f"{name}-{number}", agent_id=f"{name}-busy", budget_id=root, provider_cost="10", model_id=None)
        for number in range(3)
    ]
    old = {"timestamp": "2026-01-01T00:00:00Z", "provider_cost": "50", "model_id": None}
    rows.append(line(f"{name}-old", agent_id=f"{name}-idle", budget_id=root, **old))
    shell.run("import", "jsonl", "-", stdin="".join(rows))
    found = shell.json("status", "--verbose")
    assert root in {each["budgetId"] for each in found["budgets"]}
    agents = {each["agentId"]: each for each in found["agents"]}
    busy, idle = agents[f"{name}-busy"], agents[f"{name}-idle"]
    assert Decimal(busy["costLast5Minutes"]) == Decimal(busy["costLast60Minutes"]) == 30
    assert (busy["operations"], busy["operationsLast60Minutes"]) == (3, 3)
    assert Decimal(idle["costLast60Minutes"]) == 0
    assert idle["operations"] == 1
    assert idle["lastSeen"].startswith("2026-01-01T00:00:00")
    assert found["agents"][0]["agentId"] == f"{name}-busy"
    assert f"{name}-busy" in shell.run("status", "--verbose")


def test_verify_says_that_the_books_agree(shell: Shell, name: str) -> None:
    shell.run("import", "jsonl", "-", stdin=line(name))
    assert shell.run("verify") == "The books agree.\n"


def test_a_wrong_key_and_a_missing_server_are_told_apart(server: ServerProcess) -> None:
    wrong = costgraph("budget", "tree", "--url", server.url, "--key", "wrong", settings={})
    assert wrong.returncode == REFUSED
    assert "unknown or revoked" in wrong.stderr
    missing = costgraph("budget", "tree", "--url", "http://127.0.0.1:1", "--key", "any", settings={})
    assert missing.returncode == UNREACHABLE
    assert "does not answer" in missing.stderr
    keyless = costgraph("budget", "tree", "--url", server.url, settings={})
    assert keyless.returncode == MISUSED
    assert "--key" in keyless.stderr


def test_commands_find_the_server_of_their_folder_or_run_their_own(data_dir: Path) -> None:
    settings = on_engine(data_dir)
    made = costgraph("budget", "create", "acme", "--amount", "5", settings=settings)
    assert made.returncode == 0, made.stderr
    with ServerProcess(settings) as server:
        status = costgraph("status", "--json", settings=settings)
        assert json.loads(status.stdout)["url"] == server.url
        recorded = costgraph("import", "jsonl", "-", settings=settings, stdin=line("one", budget_id="acme"))
        assert recorded.returncode == 0, recorded.stderr
    shown = costgraph("budget", "tree", "--json", settings=settings)
    spent = {each["budgetId"]: each["status"]["spent"] for each in json.loads(shown.stdout)}
    assert spent == {"acme": "0.0035", "unattributed": "0"}


def test_the_demo_checks_itself_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    # Settings of the environment must not reach it: it would touch somebody's graph.
    settings = {"TMPDIR": str(temporary), "NEO4J_URI": "bolt://127.0.0.1:1", "COSTGRAPH_WORKERS": "3"}
    ended = costgraph("demo", "--once", "--calls", "600", settings=settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "600 calls of 10 simulated agents" in ended.stdout
    assert "every figure of 10 budgets equals what was sent" in ended.stdout
    assert "└─ support" in ended.stdout
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stays_with_a_ready_query_until_it_is_told_to_end(
    tmp_path: Path, how: signal.Signals
) -> None:
    demo = subprocess.Popen(
        [COMMAND, "demo", "--calls", "200"],
        env=environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with demo:
        assert demo.stdout is not None
        printed = ""
        for printed_line in demo.stdout:
            printed += printed_line
            if "Ctrl-C" in printed_line:
                break
        curl = shlex.split(printed[printed.index("curl ") : printed.index("\n\nCtrl-C")])
        headers = dict(each.split(": ") for each in curl if ": " in each and not each.startswith("{"))
        answer = httpx.post(curl[2], headers=headers, content=curl[-1], trust_env=False).json()
        assert answer["data"]["budget"]["rollup"]["rows"][0]["keys"][0]["value"]
        demo.send_signal(how)
        demo.stdout.read()
    assert demo.returncode == {signal.SIGINT: 0, signal.SIGTERM: 128 + signal.SIGTERM}[how]
    assert list(tmp_path.iterdir()) == []


def test_help_comes_with_examples_and_without_heavy_imports() -> None:
    for command in ("serve", "demo", "status", "verify", "import jsonl", "budget tree", "keys create"):
        shown = costgraph(*command.split(), "--help", settings={})
        assert shown.returncode == 0
        assert f"costgraph {command}" in shown.stdout
    heavy = {"httpx", "neo4j", "numpy", "pydantic", "rich", "starlette", "strawberry", "uvicorn"}
    code = f"import sys, server.cli; print(*sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


THRESHOLDS = "query($id: ID!) { budget(budgetId: $id) { thresholds { at hysteresis } coolDownSeconds } }"


def test_thresholds_are_given_and_taken_away(shell: Shell, client: Client, name: str) -> None:
    said = ("--threshold", "0.9 hysteresis 0.05", "--threshold", "0.5", "--cool-down", "60")
    shell.run("budget", "create", name, "--amount", "10", *said)
    shown = client.data(THRESHOLDS, id=name)["budget"]
    assert shown == {
        "thresholds": [{"at": 0.5, "hysteresis": None}, {"at": 0.9, "hysteresis": 0.05}],
        "coolDownSeconds": 60,
    }
    shell.run("budget", "set", name, "--threshold", "none", "--cool-down", "0")
    assert client.data(THRESHOLDS, id=name)["budget"] == {"thresholds": [], "coolDownSeconds": 0}


def test_an_override_is_granted_listed_and_revoked(shell: Shell, client: Client, name: str) -> None:
    shell.run("budget", "create", name, "--amount", "0")
    said = ("--amount", "2", "--reason", "incident 7", "--agent", name, "--idempotency-key", name)
    until = ("--until", "2100-01-01T00:00:00Z")
    for _ in range(2):
        assert "incident 7" in shell.run("override", "grant", name, *said, *until)
    (listed,) = shell.json("override", "list", name)
    assert (listed["state"], listed["remaining"], listed["agentId"]) == ("ACTIVE", "2", name)
    asked = {"idempotency_key": name, "agent_id": name, "budget_id": name, "amount": "1.5"}
    assert client.post("/v1/reservations", json=asked).json()["override_id"] == listed["overrideId"]
    assert "1.5" in shell.run("override", "list", name, "--state", "active")
    assert "revoked" in shell.run("override", "revoke", listed["overrideId"])
    assert shell.json("override", "list", name, "--state", "active") == []
    assert [each["used"] for each in shell.json("override", "list", name)] == ["1.5"]
