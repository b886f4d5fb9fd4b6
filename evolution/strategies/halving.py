"""Successive halving in money: each rung has an even share of what is left, shared evenly by who is left.

After Karnin et al. 2013, counted in money instead of pulls: a cheap agent is tried more often for its share.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.errors import InvalidInput
from evolution.strategies.base import Arms, Contest, Plan, Rng


@dataclass(frozen=True, slots=True)
class SuccessiveHalving:
    """Each rung keeps the best 1/``eta`` by mean score, ties by id. The contest needs a budget.

    Everybody left is tried once per rung at least. ``pulls_max`` bounds a rung's pulls of one agent.
    """

    name: ClassVar[str] = "successive_halving"
    eta: float = 2.0
    pulls_max: int = 1_000

    def __post_init__(self) -> None:
        """It must halve something."""
        if not (math.isfinite(self.eta) and self.eta > 1) or self.pulls_max < 1:
            raise InvalidInput("eta must be above 1, pulls_max at least 1", field="eta")

    def plan(self, contest: Contest, rng: Rng) -> Plan:  # noqa: ARG002 - there is nothing to draw
        """A rung is many rounds: one pull of everybody whose share still pays for it."""
        if contest.budget_nano is None:
            raise InvalidInput(
                "successive halving shares a budget: the contest needs one", field="budget_nano"
            )
        arms = Arms(contest)
        alive = list(range(len(contest.agent_ids)))
        rungs = max(math.ceil(math.log(len(alive), self.eta)), 1)
        for rung in range(rungs):
            share = (contest.budget_nano - arms.spent_nano) / (rungs - rung) / len(alive)
            before, begun = list(arms.charged_nano), arms.pulls.copy()
            active = alive
            while active:
                arms.add((yield arms.jobs(active)))
                active = [
                    i
                    for i in active
                    if arms.charged_nano[i] - before[i] + arms.costs[i] <= share
                    and arms.pulls[i] - begun[i] < self.pulls_max
                ]
            best: list[int] = np.argsort(-arms.means[alive], kind="stable").tolist()
            alive = sorted(alive[i] for i in best[: max(math.ceil(len(alive) / self.eta), 1)])
