"""Research on the real service: three generations, eight workers, a hard budget, a billing provider.

The cap holds, what was selected can be made again from the graph, and a runner that is killed and begun again
ends as if nothing had happened, and pays nothing twice.
"""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from evolution.selections import replay
from evolution.stored import experiment_uid
from graph.evolution import Experiments
from pricing.money import format_nano, parse_nano
from tests.support.evolving import GENERATIONS, POPULATION, TASKS
from tests.support.provider import Provider, provider
from tests.support.servers import Client, ServerProcess, eventually

ROOT = Path(__file__).parents[2]
WHOLE = GENERATIONS * POPULATION * TASKS
CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
CREATE = "mutation($input: CreateExperimentInput!) { createExperiment(input: $input) { experimentId } }"
CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }"
STATUS = """
query($id: ID!) {
  budget(budgetId: $id) { status { spent reserved forced } }
  ledgerCheck(budgetId: $id) { ok }
}
"""
SHOWN = """
query($id: ID!, $after: String) {
  experiment(experimentId: $id) {
    costs { measured measuredCount importedCount unknownCount }
    generations { number agents spend best { agentId } }
    selections { nodes { selectionId chosen reproducible } }
    evaluations(first: 500, after: $after) { nodes { evaluationId cost costSource } }
  }
}
"""
# Two and a half of three generations, as it turns out; the last one meets the cap.
AMOUNT_NANO = 24_000_000


@pytest.fixture
def billing() -> Generator[Provider]:
    with provider() as running:
        yield running


class Laboratory:
    """An experiment of its own on a running server, with a researcher's key that sees nothing else."""

    def __init__(self, server: ServerProcess, client: Client, billing: Provider, name: str) -> None:
        self.client = client
        self.billing = billing
        self.name = name
        amount = format_nano(AMOUNT_NANO)
        budget = {"budgetId": name, "budgetType": "EXPERIMENT", "amount": amount}
        client.data(CREATE_BUDGET, input=budget)
        said = {"name": name, "role": "RESEARCHER", "budgetId": name}
        self.settings = {
            "url": server.url,
            "key": client.data(CREATE_KEY, input=said)["createApiKey"]["secret"],
            "provider": billing.url,
            "experiment": name,
            "prefix": name,
        }
        weights = {"effectiveness": 0.5, "efficiency": 0.2, "costEfficiency": 0.3}
        # By tokens: how long something took is not the same the second time.
        experiment = {"weights": weights, "efficiencyBy": "TOKENS", "seed": 11}
        with Client(server.url, self.settings["key"]) as researcher:
            researcher.data(CREATE, input={"experimentId": name, "budgetId": name, **experiment})

    def begin(self, **settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.support.evolving", json.dumps({**self.settings, **settings})]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def run(self, **settings: str) -> dict[str, Any]:
        """To its end."""
        process = self.begin(**settings)
        printed, _ = process.communicate(timeout=180)
        assert process.returncode == 0
        return json.loads(printed.splitlines()[-1])

    def run_and_kill(self, after: int, **settings: str) -> None:
        """SIGKILL once so many evaluations were told of."""
        process = self.begin(**settings)
        assert process.stdout is not None
        for told, _ in enumerate(process.stdout, 1):
            if told == after:
                process.kill()
                break
        process.stdout.close()
        assert process.wait(60) != 0, "it ended before it was killed"

    def status(self) -> dict[str, int]:
        shown = self.client.data(STATUS, id=self.name)
        assert shown["ledgerCheck"]["ok"]
        return {name: parse_nano(text) for name, text in shown["budget"]["status"].items()}

    def shown(self) -> dict[str, Any]:
        return self.client.data(SHOWN, id=self.name)["experiment"]


def same_again(server: ServerProcess, laboratory: Laboratory) -> list[list[str]]:
    """The selections as the graph has them, each made again from nothing else."""
    with server.database() as database:
        store = Experiments(database)
        uid = experiment_uid("default", laboratory.name)
        kept = store.selections(store.get([uid])[uid], None, 10)
    assert [each.selection.selection_id for each in kept] == [f"for-{i + 1}" for i in range(GENERATIONS)]
    return [[name.removeprefix(laboratory.name) for name in replay(each.selection).chosen] for each in kept]


def test_the_cap_holds_and_a_killed_run_ends_as_if_nothing_had_happened(
    server: ServerProcess, client: Client, billing: Provider, name: str
) -> None:
    calm = Laboratory(server, client, billing, f"{name}-calm")
    outcome = calm.run()
    status = calm.status()
    # The cap holds with eight workers in flight, and the last generation met it.
    assert outcome["stops"] == ["done", "done", "budget"]
    assert 0 < outcome["spent_nano"] <= AMOUNT_NANO
    assert status == {"spent": outcome["spent_nano"], "reserved": 0, "forced": 0}
    assert outcome["overrun_nano"] == 0
    evaluated = len(outcome["evaluations"])
    assert 2 * POPULATION * TASKS < evaluated < WHOLE
    # What it cost is what the provider billed, and no money is unknown.
    assert len(billing.billed) == evaluated
    shown = calm.shown()
    assert shown["costs"] == {
        "measured": format_nano(outcome["spent_nano"]),
        "measuredCount": evaluated,
        "importedCount": 0,
        "unknownCount": 0,
    }
    assert [each["agents"] for each in shown["generations"]] == [POPULATION] * GENERATIONS
    assert sum(parse_nano(each["spend"]) for each in shown["generations"]) == outcome["spent_nano"]
    assert same_again(server, calm) == outcome["chosen"]
    # Begun again it evaluates nothing, and pays nothing.
    asked = dict(billing.asked)
    assert calm.run() == outcome
    assert billing.asked == asked
    assert calm.status() == status

    killed = Laboratory(server, client, billing, f"{name}-killed")
    for after in (3, 45, 8):
        killed.run_and_kill(after)
    assert killed.run() == outcome
    assert killed.status() == status
    assert same_again(server, killed) == outcome["chosen"]
    assert len(killed.shown()["evaluations"]["nodes"]) == evaluated


def test_holds_of_a_dead_runner_lapse_and_are_taken_anew(
    server: ServerProcess, client: Client, billing: Provider, name: str
) -> None:
    laboratory = Laboratory(server, client, billing, name)
    laboratory.run_and_kill(4, ttl="3")
    time.sleep(3.5)
    outcome = laboratory.run(ttl="3")
    eventually(lambda: laboratory.status()["reserved"] == 0)
    assert laboratory.status()["spent"] == outcome["spent_nano"] <= AMOUNT_NANO
    assert len(billing.billed) == len(outcome["evaluations"])
    assert outcome["stops"][-1] == "budget"
