"""``costgraph evolve`` on experiments of a running service, on both engines."""

import json
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evolution.prompts import DIRECTIVES
from tests.support.evolve_cli import LINES, STUDY, as_json
from tests.support.servers import COMMAND, Client, ServerProcess, costgraph, environment

REFUSED, MISUSED = 1, 2


class Evolve:
    """Runs its commands against a server."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._where = ["--url", server.url, "--key", server.admin_key]
        self._folder = folder

    def run(self, *arguments: object, code: int = 0) -> str:
        """Standard output; where it must fail, standard error."""
        words = [str(each) for each in arguments]
        settings = {"PYTHONPATH": str(self._folder)}
        ended = costgraph("evolve", *words, *self._where, settings=settings)
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr.replace("EvaluationFailed", "")
        return ended.stdout if code == 0 else ended.stderr

    def json(self, *arguments: object) -> Any:
        """The JSON that it prints."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def evolve(server: ServerProcess, tmp_path: Path) -> Evolve:
    return Evolve(server, tmp_path)


@pytest.fixture
def study(tmp_path: Path, name: str) -> Path:
    """The lineage of the offline tests, with agents that are this test's own."""
    text = LINES.lstrip()
    for agent in ("seed", "child", "other", "gone"):
        text = text.replace(f'"{agent}"', f'"{name}-{agent}"')
    path = tmp_path / "lineage.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_archive_is_imported_once_and_scored_as_its_file_is(
    evolve: Evolve, study: Path, name: str
) -> None:
    first = evolve.json("import", study, "--experiment", name)
    assert first["recorded"] == {"agents": 3, "evaluations": 7}
    assert first["alreadyThere"] == {"agents": 0, "evaluations": 0}
    again = evolve.json("import", study, "--experiment", name)
    assert again["recorded"] == {"agents": 0, "evaluations": 0}
    assert again["alreadyThere"] == {"agents": 3, "evaluations": 7}
    assert "3 already there" in evolve.run("import", study, "--experiment", name)

    here, there = as_json("score", "--file", study), evolve.json("score", "--experiment", name)
    assert there["fitness"] == here["fitness"]
    assert there["referencePrice"] == here["referencePrice"] == "0.027"
    assert (
        evolve.json("frontier", "--experiment", name)["frontier"]["points"]
        == (as_json("frontier", "--file", study)["frontier"]["points"])
    )
    report = evolve.json("report", "--experiment", name)
    assert report["clades"] == as_json("report", "--file", study)["clades"]


def test_an_import_that_was_killed_is_run_again(
    evolve: Evolve, server: ServerProcess, client: Client, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "long.jsonl"
    lines = [json.dumps({"agent_id": f"{name}-{i}"}) for i in range(20)]
    lines += [
        json.dumps({"agent_id": f"{name}-{i % 20}", "task_id": f"t{i}", "score": 1, "cost": "0.001"})
        for i in range(4_000)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    command = [COMMAND, "evolve", "import", path, "--experiment", name]
    killed = subprocess.Popen(
        [*command, "--url", server.url, "--key", server.admin_key],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    query = "query($id: ID!) { experiment(experimentId: $id) { evaluations(first: 1) { nodes { taskId } } } }"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = client.data(query, id=name)["experiment"]
        if found is not None and found["evaluations"]["nodes"]:
            break
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    again = evolve.json("import", path, "--experiment", name)
    counts = again["recorded"]["evaluations"], again["alreadyThere"]["evaluations"]
    assert sum(counts) == 4_000
    assert counts[1] >= 500
    (each, *_) = evolve.json("score", "--experiment", name)["fitness"]
    assert (each["trials"], each["cost"]) == (4_000, "0.2")


def test_imported_money_is_in_no_budget(evolve: Evolve, client: Client, study: Path, name: str) -> None:
    evolve.run("import", study, "--experiment", name, "--amount", "25")
    query = """query($id: ID!) { experiment(experimentId: $id) {
      budget { budgetType amount status { spent } } costs { measured imported unknownCount }
    } }"""
    found = client.data(query, id=name)["experiment"]
    assert found["budget"] == {"budgetType": "EXPERIMENT", "amount": "25", "status": {"spent": "0"}}
    assert found["costs"] == {"measured": "0", "imported": "0.537", "unknownCount": 2}


def test_an_archive_that_changed_is_refused_row_by_row(evolve: Evolve, study: Path, name: str) -> None:
    evolve.run("import", study, "--experiment", name)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace('"cost": "0.012"', '"cost": "0.013"'), encoding="utf-8")
    said = evolve.run("import", study, "--experiment", name, code=REFUSED)
    assert "1 rows were refused; the others are recorded" in said


def test_the_service_selects_and_keeps_the_record(
    evolve: Evolve, client: Client, study: Path, name: str
) -> None:
    evolve.run("import", study, "--experiment", name)
    made = evolve.json("select", "--experiment", name, "--selector", "nsga2", "-k", 1, "--seed", 3)
    selection = made["selection"]
    assert selection["chosen"] == [f"{name}-child"]
    assert {each["agentId"]: each["reason"] for each in selection["excluded"]} == {
        f"{name}-other": "UNKNOWN_COST"
    }
    query = """query($id: ID!) { experiment(experimentId: $id) {
      selections { nodes { selectionId chosen reproducible } }
    } }"""
    (kept,) = client.data(query, id=name)["experiment"]["selections"]["nodes"]
    assert kept == {
        "selectionId": selection["selectionId"],
        "chosen": selection["chosen"],
        "reproducible": True,
    }
    bought = evolve.json("select", "--experiment", name, "--budget", "0.06", "--ahead", 10)
    assert bought["selection"]["chosen"] == [f"{name}-child"]
    refused = evolve.run(
        "select", "--experiment", name, "--selector", "sus", "--weight", "efficiency=1", code=MISUSED
    )
    assert "no --weight" in refused


def test_a_run_keeps_to_the_experiments_budget_and_resumes(
    evolve: Evolve, client: Client, tmp_path: Path, name: str
) -> None:
    text = STUDY.replace("SLEEP", "0").replace('f"a{i}"', f'f"{name}-a{{i}}"')
    text = text.replace('"calls.txt"', repr(str(tmp_path / "calls.txt")))
    (tmp_path / f"study_{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text(f'{{"agent_id": "{name}-a0"}}\n', encoding="utf-8")
    evolve.run(
        "import",
        tmp_path / "empty.jsonl",
        "--experiment",
        name,
        "--amount",
        "0.15",
        "--reference-price",
        "0.01",
    )
    run = ("run", "--evaluate", f"study_{name}:evaluate", "--hold", "0.02", "--experiment", name)
    first = evolve.json(*run, "--workers", 4)
    assert first["run"]["stop"] == "budget", first
    query = "query($id: ID!) { budget(budgetId: $id) { status { spent reserved } } }"
    status = client.data(query, id=name)["budget"]["status"]
    assert Decimal(status["spent"]) == Decimal(first["spent"]) <= Decimal("0.15")
    assert Decimal(status["reserved"]) == 0

    calls = len((tmp_path / "calls.txt").read_text(encoding="utf-8").splitlines())
    assert calls == len(first["run"]["evaluations"])
    increase = "mutation($input: UpdateBudgetInput!) { updateBudget(input: $input) { amount } }"
    client.data(increase, input={"budgetId": name, "amount": "5"})
    second = evolve.json(*run, "--workers", 4)
    assert (second["run"]["stop"], second["run"]["resumed"]) == ("done", calls)
    assert len((tmp_path / "calls.txt").read_text(encoding="utf-8").splitlines()) == 20
    assert len(evolve.json("score", "--experiment", name)["fitness"]) == 4


def test_the_prompt_is_graded_by_budget_and_fitness(
    evolve: Evolve, client: Client, study: Path, name: str
) -> None:
    evolve.run("import", study, "--experiment", name, "--amount", "10")
    spend = {
        "operation_id": name,
        "agent_id": name,
        "capability_type": "x",
        "budget_id": name,
        "provider_cost": "9",
    }
    assert client.post("/v1/usage", json=spend).status_code == 201
    found = evolve.run("prompt", "--budget", name, "--experiment", name, "--agent", f"{name}-seed")
    assert found.startswith(DIRECTIVES)
    assert "from 80% of the budget on: economical" in found
    here = as_json("prompt", "--utilization", "0.9", "--file", study, "--agent", f"{name}-seed")["prompt"]
    assert found.rstrip("\n") == here


def test_what_is_not_there_is_said(evolve: Evolve, name: str) -> None:
    for command in (("score",), ("frontier",), ("report",)):
        said = evolve.run(*command, "--experiment", name, code=REFUSED)
        assert f"There is no experiment {name}" in said
