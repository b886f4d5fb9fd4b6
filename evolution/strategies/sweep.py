"""Everybody on everything: the plain grid, in one round."""

from dataclasses import dataclass
from typing import ClassVar

from evolution.errors import InvalidInput
from evolution.strategies.base import Contest, Job, Plan, Rng


@dataclass(frozen=True, slots=True)
class Sweep:
    """Task by task over all agents, so that a budget that ends early leaves them comparable."""

    name: ClassVar[str] = "sweep"
    trials: int = 1

    def __post_init__(self) -> None:
        """At least once."""
        if self.trials < 1:
            raise InvalidInput(f"trials ({self.trials}) must be at least 1", field="trials")

    def plan(self, contest: Contest, rng: Rng) -> Plan:  # noqa: ARG002 - there is nothing to draw
        """One round."""
        yield [
            Job(agent, task, trial)
            for trial in range(self.trials)
            for task in contest.task_ids
            for agent in contest.agent_ids
        ]
