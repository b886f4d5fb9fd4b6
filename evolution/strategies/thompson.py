"""Thompson sampling of cost efficiency: pull who looks best in a draw from what is known.

θ ~ Beta(1 + S, 1 + F), κ ~ InvGamma(1 + N, c0 + K), argmax θ/(θ + κ/c0), as clades are sampled.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.checks import check_positive
from evolution.selectors.clade import sampled_cost_efficiency
from evolution.strategies.base import Arms, Contest, Plan, Rng, affordable, check_rounds


@dataclass(frozen=True, slots=True)
class Thompson:
    """``c0_nano`` is the experiment's reference; ``batch`` independent draws make a round."""

    name: ClassVar[str] = "thompson"
    c0_nano: int
    batch: int = 1
    rounds_max: int = 1_000

    def __post_init__(self) -> None:
        """A reference above 0."""
        check_positive(self.c0_nano, "c0_nano")
        check_rounds(self.rounds_max, self.batch)

    def plan(self, contest: Contest, rng: Rng) -> Plan:
        """Until nobody can be paid for, or the rounds are over."""
        arms = Arms(contest)
        for _ in range(self.rounds_max):
            able = affordable(arms)
            if not able:
                return
            closed = np.ones(len(contest.agent_ids), dtype=np.bool_)
            closed[able] = False
            drawn: list[int] = []
            for _ in range(self.batch):
                spent = np.array(arms.charged_nano, dtype=np.float64)
                value = sampled_cost_efficiency(
                    arms.scores, arms.pulls - arms.scores, spent, float(self.c0_nano), rng
                )
                drawn.append(int(np.argmax(np.where(closed, -1.0, value))))
            arms.add((yield arms.jobs(drawn)))
