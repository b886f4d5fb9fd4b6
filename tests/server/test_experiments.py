"""The runner's ports in this process: the real committer and the real graph, on both engines."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from evolution.errors import Conflict, InvalidInput, UnknownAgent
from evolution.outcome import EvaluationFailed, Outcome
from evolution.ports import Bill, EvaluationLog, ExperimentLedger, Held, HoldRequest, LogEntry, Refused
from evolution.records import Evaluation, Experiment
from evolution.runner import Limits, Runner, RunReport, Stop
from evolution.strategies.sweep import Sweep
from graph.database import Database
from ledger.access import Role
from pricing.money import format_nano, parse_nano
from resolvers import Services
from server.experiments.local import LocalLedger, LocalLog
from tests.support.experiment_ledger import Mortal
from tests.support.experiments import CREATE, lineage
from tests.support.services import Caller, admin_of, budget, open_services
from tests.support.simulated_store import Crash

CENT = 10_000_000
AGENTS = {f"a{i}": i for i in range(4)}
TASKS = {f"t{i}": i for i in range(5)}


@pytest.fixture
def services(database: Database) -> Generator[Services]:
    with open_services(database) as opened:
        yield opened


@pytest.fixture
def admin(services: Services, tenant: str) -> Caller:
    return admin_of(services, tenant)


def laboratory(admin: Caller, name: str, amount_nano: int) -> Caller:
    """An experiment on a hard budget, and a researcher confined to it."""
    budget(admin, name, budgetType="EXPERIMENT", amount=format_nano(amount_nano))
    admin.get(CREATE, input={"experimentId": name, "budgetId": name, "referencePrice": "1"})
    caller = admin.confined(name, Role.RESEARCHER, key_id=f"{name}-key")
    rows = [{"agentId": f"{name}-{each}"} for each in AGENTS]
    assert {each["__typename"] for each in lineage(caller, *rows, experiment_id=name)} == {"RecordedAgent"}
    return caller


def ports(caller: Caller) -> tuple[LocalLedger, LocalLog]:
    services, principal = caller.services, caller.principal
    return LocalLedger(services.reserving, principal), LocalLog(services.experiments, principal)


def run(
    name: str, ledger: ExperimentLedger, log: EvaluationLog, evaluate: Any, workers: int = 8
) -> RunReport:
    experiment = Experiment(name, budget_id=name, c0_nano=CENT, seed=1)
    runner: Runner[int, int] = Runner(experiment, ledger, log, Limits(3 * CENT, workers, retry_seconds=0.0))
    agents = {f"{name}-{each}": skill for each, skill in AGENTS.items()}
    return runner.run_blocking(Sweep(), agents, TASKS, evaluate)


def solve(agent: int, task: int) -> Outcome:
    """What somebody does with a task, and what that costs: 1 to 2 cents."""
    return Outcome(float(task <= agent), CENT + agent * task * 700_000, seconds=1.0, tokens=100)


PUT_CARD = "mutation($input: RateCardInput!) { createRateCard(input: $input) { version } }"
STATUS = "query($id: ID!) { budget(budgetId: $id) { status { spent reserved forced } } }"
COSTS = """
query($id: ID!) {
  experiment(experimentId: $id) {
    costs { measured measuredCount unknownCount }
    evaluations(first: 500) { nodes { agentId taskId score cost costSource } }
  }
}
"""


def figures(caller: Caller, name: str) -> dict[str, int]:
    status = caller.get(STATUS, id=name)["budget"]["status"]
    return {key: parse_nano(text) for key, text in status.items()}


def plain(report: RunReport, name: str) -> list[tuple[Any, ...]]:
    return [
        (each.agent_id.removeprefix(name), each.task_id, each.score, each.cost_nano)
        for each in report.evaluations
    ]


def test_the_cap_holds_with_workers_in_flight(admin: Caller) -> None:
    caller = laboratory(admin, "lab", 15 * CENT)
    report = run("lab", *ports(caller), solve)
    assert report.stop is Stop.BUDGET
    assert 0 < report.spent_nano <= 15 * CENT
    assert figures(caller, "lab") == {"spent": report.spent_nano, "reserved": 0, "forced": 0}
    shown = caller.get(COSTS, id="lab")["experiment"]
    assert shown["costs"] == {
        "measured": format_nano(report.spent_nano),
        "measuredCount": len(report.evaluations),
        "unknownCount": 0,
    }
    by_pair = {(each["agentId"], each["taskId"]): each["cost"] for each in shown["evaluations"]["nodes"]}
    assert by_pair == {
        (each.agent_id, each.task_id): format_nano(each.cost_nano or 0) for each in report.evaluations
    }


@pytest.mark.parametrize("after", [False, True])
def test_a_runner_that_dies_anywhere_resumes_and_pays_nothing_twice(admin: Caller, after: bool) -> None:
    calm = laboratory(admin, "calm", 18 * CENT)
    whole = run("calm", *ports(calm), solve)
    caller = laboratory(admin, "killed", 18 * CENT)
    calls: dict[tuple[int, int], int] = {}

    def counted(agent: int, task: int) -> Outcome:
        calls[agent, task] = calls.get((agent, task), 0) + 1
        return solve(agent, task)

    for steps in (0, 2, 7, 11, 16):
        mortal = Mortal(*ports(caller), steps, after=after)
        with pytest.raises(Crash):
            run("killed", mortal, mortal, counted, workers=3)
    report = run("killed", *ports(caller), counted)
    assert plain(report, "killed") == plain(whole, "calm")
    assert report.spent_nano == whole.spent_nano
    assert figures(caller, "killed") == figures(calm, "calm")
    # What was logged was not evaluated again: at most the three in flight at each of five deaths.
    assert sum(calls.values()) <= len(report.evaluations) + 15


def test_an_unknown_cost_is_charged_what_was_held_and_stays_unknown(admin: Caller) -> None:
    caller = laboratory(admin, "lab", 1_000 * CENT)
    # Not even a price of every model makes cheap what nobody says anything about.
    line = {"unit": "uncached", "price": "1", "per": 1_000_000}
    admin.get(PUT_CARD, input={"cardId": "every", "model": "*", "lines": [line]})

    def evaluate(agent: int, task: int) -> Outcome:
        if agent == 1:
            raise EvaluationFailed("it crashed", cost_nano=2 * CENT)
        if agent == 2:
            raise ValueError(task)
        return Outcome(1.0) if agent == 3 else Outcome(1.0, 0)

    report = run("lab", *ports(caller), evaluate)
    cost = {0: 0, 1: 2 * CENT, 2: None, 3: None}
    assert [each[3] for each in plain(report, "lab")] == [cost[agent] for agent in range(4) for _ in TASKS]
    assert report.spent_nano == 5 * (2 + 3 + 3) * CENT
    assert figures(caller, "lab")["spent"] == report.spent_nano
    shown = caller.get(COSTS, id="lab")["experiment"]
    assert shown["costs"] == {
        "measured": format_nano(10 * CENT),
        "measuredCount": 10,
        "unknownCount": 10,
    }


def test_nobody_is_evaluated_who_takes_no_part(admin: Caller) -> None:
    caller = laboratory(admin, "lab", CENT)
    ledger, log = ports(caller)
    held = Held("h", "k")
    entry = LogEntry(
        "lab", "op", Evaluation("nobody", "t", 1.0, None), held, Bill("k", "nobody", "lab", 1, "USD", False)
    )
    with pytest.raises(UnknownAgent):
        asyncio.run(log.append(entry))
    with pytest.raises(InvalidInput):
        asyncio.run(log.load("nowhere"))
    assert asyncio.run(log.load("lab")) == []
    big = HoldRequest("k", "lab-a0", "lab", 2 * CENT, 60)
    assert isinstance(asyncio.run(ledger.reserve(big)), Refused)


def test_another_outcome_under_the_same_id_is_a_conflict(admin: Caller) -> None:
    caller = laboratory(admin, "lab", CENT)
    _, log = ports(caller)
    bill = Bill("k", "lab-a0", "lab", 1, "USD", failed=False)
    entry = LogEntry("lab", "op", Evaluation("lab-a0", "t", 1.0, None), Held("h", "k"), bill)
    asyncio.run(log.append(entry))
    asyncio.run(log.append(entry))
    assert asyncio.run(log.load("lab")) == [entry]
    other = LogEntry("lab", "op", Evaluation("lab-a0", "t", 0.0, None), Held("h", "k"), bill)
    with pytest.raises(Conflict):
        asyncio.run(log.append(other))
    assert asyncio.run(log.load("lab")) == [entry]
