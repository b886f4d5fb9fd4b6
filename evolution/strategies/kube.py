"""KUBE: knapsack-based upper confidence bound exploration and exploitation (Tran-Thanh et al. 2012).

The rest of the budget is filled greedily by UCB per cost; an arm is drawn as often as it is in that knapsack.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.errors import InvalidInput
from evolution.strategies.base import Arms, Contest, Plan, Rng, affordable, check_rounds


def knapsack_shares(bounds: Floats, costs: Floats, budget: float) -> Floats:
    """How often each arm is in the unbounded knapsack that is filled greedily by bound per cost."""
    counts = np.zeros(len(bounds))
    for i in np.argsort(-bounds / costs, kind="stable").tolist():
        cost = float(costs[i])
        count = math.floor(budget / cost)
        counts[i] = count
        budget -= count * cost
    return counts


@dataclass(frozen=True, slots=True)
class Kube:
    """UCB = mean score + √(2 ln t / pulls). A round draws ``batch`` arms. The contest needs a budget."""

    name: ClassVar[str] = "kube"
    batch: int = 1
    rounds_max: int = 100_000

    def __post_init__(self) -> None:
        """It ends."""
        check_rounds(self.rounds_max, self.batch)

    def plan(self, contest: Contest, rng: Rng) -> Plan:
        """Everybody once, then by the knapsack, until nothing fits."""
        if contest.budget_nano is None:
            raise InvalidInput("KUBE fills a budget: the contest needs one", field="budget_nano")
        arms = Arms(contest)
        arms.add((yield arms.jobs(range(len(contest.agent_ids)))))
        for _ in range(self.rounds_max):
            if not affordable(arms):
                return
            bounds = arms.means + np.sqrt(2 * math.log(arms.pulls.sum()) / arms.pulls)
            counts = knapsack_shares(bounds, arms.costs, arms.left)
            drawn = rng.choice(len(counts), size=self.batch, p=counts / counts.sum())
            arms.add((yield arms.jobs(drawn.tolist())))
