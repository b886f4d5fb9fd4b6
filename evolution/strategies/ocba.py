"""OCBA with unequal costs: spend where it tells the best agent from the rest (Chen et al. 2000).

For i other than the best b: N_i ∝ (s_i/d_i)², s its deviation, d the distance of its mean to the best one's;
N_b = s_b √(Σ c_i N_i² / (c_b s_i²)): the condition of optimality when money, not pulls, is limited (Glynn and
Juneja 2004); with equal costs it is Chen's.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.checks import check_nano
from evolution.errors import InvalidInput
from evolution.strategies.base import Arms, Contest, Plan, Rng, affordable, check_rounds


def ocba_allocation(means: Floats, sds: Floats, costs: Floats, budget: float) -> Floats:
    """Real numbers of pulls whose cost sums to the budget. Deviations and costs must be above 0.

    Means that are equal to the best count as a hundredth of the least other distance (or of its deviation).
    """
    best = int(np.argmax(means))
    gaps = means[best] - means
    positive = gaps[gaps > 0]
    nearest = float(positive.min()) if len(positive) else float(sds[best])
    others = np.arange(len(means)) != best
    gaps = np.where(gaps > 0, gaps, nearest / 100)
    shares = np.where(others, (sds / gaps) ** 2, 0.0)
    shares[best] = sds[best] * math.sqrt(float((costs * shares**2 / (costs[best] * sds**2))[others].sum()))
    if len(means) == 1:
        shares[best] = 1.0
    return budget * shares / float((costs * shares).sum())


@dataclass(frozen=True, slots=True)
class Ocba:
    """``first`` pulls of everybody, then rounds of about ``round_nano``. The contest needs a budget."""

    name: ClassVar[str] = "ocba"
    round_nano: int
    first: int = 5
    rounds_max: int = 10_000

    def __post_init__(self) -> None:
        """A deviation needs two pulls."""
        check_nano(self.round_nano, "round_nano")
        check_rounds(self.rounds_max, max(self.round_nano, 0))
        if self.first < 2:  # noqa: PLR2004 - below two there is no deviation
            raise InvalidInput(f"first ({self.first}) must be at least 2", field="first")

    def plan(self, contest: Contest, rng: Rng) -> Plan:  # noqa: ARG002 - there is nothing to draw
        """Each round moves towards the allocation of all that will then be spent."""
        if contest.budget_nano is None:
            raise InvalidInput("OCBA allocates a budget: the contest needs one", field="budget_nano")
        arms = Arms(contest)
        size = len(contest.agent_ids)
        arms.add((yield arms.jobs([i for _ in range(self.first) for i in range(size)])))
        for _ in range(self.rounds_max):
            if not affordable(arms):
                return
            money = min(float(self.round_nano), arms.left)
            arms.add((yield arms.jobs(_round(arms, money))))


def _round(arms: Arms, money: float) -> list[int]:
    """Whole pulls for the money, the largest shortfalls first; one at least."""
    smoothed = (arms.scores + 0.5) / (arms.pulls + 1)
    variance = (arms.squares - arms.pulls * arms.means**2) / np.maximum(arms.pulls - 1, 1)
    # An agent that always failed is not known to fail always: smoothed, nobody has a deviation of 0.
    sds = np.sqrt(np.maximum(variance, smoothed * (1 - smoothed) / (arms.pulls + 1)))
    target = ocba_allocation(arms.means, sds, arms.costs, arms.spent_nano + money)
    short = target - arms.pulls
    chosen: list[int] = []
    while True:
        fits = arms.costs <= (money if chosen else arms.left)
        if not fits.any():
            return chosen
        arm = int(np.argmax(np.where(fits, short, -np.inf)))
        if chosen and short[arm] < 0.5:  # noqa: PLR2004 - less than half a pull is not short
            return chosen
        chosen.append(arm)
        short[arm] -= 1
        money -= float(arms.costs[arm])
