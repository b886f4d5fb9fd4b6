"""A research run as a process of its own: three generations on a running service, so that tests can kill it.

Its argument is JSON: ``url``, ``key``, ``provider``, ``experiment``, ``prefix`` (of agent ids), ``ttl``.
It prints ``paid N`` after every evaluation, and what came of it as one line of JSON at its end. Begun again
it resumes.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import httpx

from evolution.outcome import OPERATION_ID, Outcome
from evolution.records import Experiment
from evolution.runner import Limits, Progress, Runner, RunReport
from evolution.strategies.sweep import Sweep
from server.experiments.remote import RemoteLedger, RemoteLog, Service
from tests.support.provider import MODEL, VENDOR, chance

GENERATIONS, POPULATION, CHOSEN, TASKS, WORKERS = 3, 6, 3, 5, 8
HOLD_NANO = 700_000
"""2,000 prompt and 600 completion tokens of the model cost 660,000 nano-units."""

LINEAGE = """
mutation($id: ID!, $agents: [RecordLineageInput!]!) {
  recordLineage(experimentId: $id, agents: $agents) { __typename ... on RefusedRow { code message } }
}
"""
SELECT = """
mutation($input: SelectAgentsInput!) { selectAgents(input: $input) { selectionId chosen reproducible } }
"""


@dataclass(frozen=True)
class Agent:
    """An agent that is worth something: the share of tasks that it solves."""

    agent_id: str
    skill: float
    parents: tuple[str, ...] = ()

    def said(self, generation: int) -> dict[str, Any]:
        """As the lineage has it."""
        operator = ("SEED", "MUTATION", "CROSSOVER")[len(self.parents)]
        return {
            "agentId": self.agent_id,
            "parentAgentIds": list(self.parents),
            "generation": generation,
            "operator": operator,
        }


def founders(prefix: str) -> list[Agent]:
    """Generation 0."""
    return [Agent(f"{prefix}-0-{i}", 0.2 + 0.5 * chance("founder", i)) for i in range(POPULATION)]


def offspring(prefix: str, generation: int, chosen: list[Agent]) -> list[Agent]:
    """Mutants and crossings of the chosen, which follow from them alone."""
    found: list[Agent] = []
    for i in range(POPULATION):
        one, other = chosen[i % len(chosen)], chosen[(i + 1) % len(chosen)]
        name = f"{prefix}-{generation}-{i}"
        if i % 2 and one != other:
            found.append(Agent(name, (one.skill + other.skill) / 2, (one.agent_id, other.agent_id)))
        else:
            skill = min(one.skill + 0.3 * chance("mutation", generation, i), 1.0)
            found.append(Agent(name, skill, (one.agent_id,)))
    return found


class Research:
    """One run."""

    def __init__(self, service: Service, settings: dict[str, str], provider: httpx.AsyncClient) -> None:
        self.service = service
        self.settings = settings
        self.provider = provider
        self.paid = 0

    async def evaluate(self, agent: Agent, task: str) -> Outcome:
        """Ask the provider."""
        name = agent.agent_id.removeprefix(self.settings["prefix"])
        said = {"agent": name, "skill": agent.skill, "task": task}
        key = {"idempotency-key": OPERATION_ID.get()}
        answer = (await self.provider.post("/complete", json=said, headers=key)).json()
        usage = {name: answer[name] for name in ("prompt_tokens", "completion_tokens")}
        return Outcome(
            float(answer["solved"]),
            tokens=sum(usage.values()),
            usages=({"model_id": MODEL, "provider": VENDOR, **usage},),
        )

    def told(self, progress: Progress) -> None:
        """Tell whoever waits for a good moment to kill us."""
        self.paid += 1
        sys.stdout.write(f"paid {progress.done}\n")
        sys.stdout.flush()

    async def generation(self, number: int, agents: list[Agent]) -> RunReport:
        """Let agents take part, and evaluate them."""
        experiment_id = self.settings["experiment"]
        rows = [each.said(number) for each in agents]
        answers = (await self.service.data(LINEAGE, id=experiment_id, agents=rows))["recordLineage"]
        assert all(each["__typename"] == "RecordedAgent" for each in answers), answers
        experiment = Experiment(experiment_id, budget_id=experiment_id, seed=number)
        limits = Limits(HOLD_NANO, WORKERS, ttl_seconds=int(self.settings.get("ttl", "60")))
        runner: Runner[Agent, str] = Runner(
            experiment, RemoteLedger(self.service), RemoteLog(self.service), limits, self.told
        )
        tasks = {f"task-{i}": f"task-{i}" for i in range(TASKS)}
        return await runner.run(Sweep(), {each.agent_id: each for each in agents}, tasks, self.evaluate)

    async def select(self, number: int) -> list[str]:
        """Whoever goes on to be a parent of the next generation."""
        said = {
            "experimentId": self.settings["experiment"],
            "selector": "tournament",
            "k": CHOSEN,
            "seed": 100 + number,
            "generation": number,
            "selectionId": f"for-{number}",
        }
        made = (await self.service.data(SELECT, input=said))["selectAgents"]
        assert made["reproducible"]
        return made["chosen"]

    async def run(self) -> dict[str, Any]:
        """All generations, until the budget ends."""
        prefix = self.settings["prefix"]
        agents = founders(prefix)
        known = {each.agent_id: each for each in agents}
        chosen: list[list[str]] = []
        reports: list[RunReport] = []
        for number in range(GENERATIONS):
            reports.append(await self.generation(number, agents))
            picked = await self.select(number + 1)
            chosen.append([each.removeprefix(prefix) for each in picked])
            agents = offspring(prefix, number + 1, [known[each] for each in picked])
            known |= {each.agent_id: each for each in agents}
        last = reports[-1]
        return {
            "chosen": chosen,
            "stops": [each.stop.value for each in reports],
            "spent_nano": sum(each.spent_nano for each in reports),
            "overrun_nano": sum(each.overrun_nano for each in reports),
            "refused": None if last.refused is None else last.refused.agent_id.removeprefix(prefix),
            "evaluations": [
                [each.agent_id.removeprefix(prefix), each.task_id, each.score, each.cost_nano, each.tokens]
                for report in reports
                for each in report.evaluations
            ],
        }


async def main(settings: dict[str, str]) -> None:
    """Run, and print what came of it."""
    async with (
        Service(settings["url"], settings["key"]) as service,
        httpx.AsyncClient(base_url=settings["provider"], trust_env=False, timeout=30) as provider,
    ):
        outcome = await Research(service, settings, provider).run()
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
