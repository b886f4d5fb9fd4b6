"""Thompson sampling on clades with cost: whose descendants promise most success for the money.

After HGM's clade metaproductivity (Wang et al. 2025), with a posterior for cost beside the one for success:
θ ~ Beta(1 + S, 1 + F), κ ~ InvGamma(1 + N, c0 + K), argmax θ/(θ + κ/c0). Figures are those of a clade
(``evolution.clades``), each evaluation once; a clade without any success keeps its prior, and its chance.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.checks import check_positive
from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng


def sampled_cost_efficiency(
    successes: Floats, failures: Floats, spent: Floats, c0: float, rng: Rng
) -> Floats:
    """One draw of cost efficiency per row; N = S + F evaluations cost ``spent`` in all."""
    theta = rng.beta(1 + successes, 1 + failures)
    # InvGamma(a, b) is b over Gamma(a, 1).
    kappa = (c0 + spent) / rng.standard_gamma(1 + successes + failures)
    return theta / (theta + kappa / c0)


@dataclass(frozen=True, slots=True)
class CladeThompson:
    """``c0`` is the experiment's reference, in nano-units per success."""

    name: ClassVar[str] = "clade_thompson"
    needs: ClassVar[tuple[str, ...]] = ("successes", "failures", "spent")
    c0: float

    def __post_init__(self) -> None:
        """A reference above 0."""
        check_positive(self.c0, "c0")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """A fresh draw of all for each pick; ties fall by id."""
        successes, failures, spent = (pool.column(name) for name in self.needs)
        if min(float(each.min()) for each in (successes, failures, spent)) < 0:
            raise InvalidInput("successes, failures and spent must be at least 0", field="successes")
        taken = np.zeros(len(pool), dtype=np.bool_)
        rows: list[int] = []
        for _ in range(k):
            value = sampled_cost_efficiency(successes, failures, spent, self.c0, rng)
            row = int(np.argmax(np.where(taken, -1.0, value)))
            rows.append(row)
            taken[row] = not replace
        return rows


def should_expand(evaluations: int, agents: int, alpha: float = 0.6) -> bool:
    """Widening: a new agent once N^alpha ≥ the number of agents; else evaluate those that there are.

    The first agent is expanded after one evaluation whatever its score.
    """
    if not 0 < alpha <= 1 or evaluations < 0 or agents < 0:
        raise InvalidInput("alpha must be in (0, 1], counts at least 0", field="alpha")
    return evaluations**alpha >= agents
