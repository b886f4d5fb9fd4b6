"""ε-lexicase with cost as a case: specialists survive (La Cava et al. 2016; Helmuth et al. 2015)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.checks import check_measure
from evolution.selectors.base import Pool, Rng


@dataclass(frozen=True, slots=True)
class Lexicase:
    """Cases in random order, each keeps those within ε of the best left. What is tied at the end falls by id.

    ``epsilon`` None is automatic: the median absolute deviation of the case among those still in; else ε for
    scores (0 is plain lexicase). With ``with_cost`` the cost, small is good, is one more case, whose ε is
    always automatic: a fixed one in the unit of scores would mean nothing.
    """

    name: ClassVar[str] = "lexicase"
    epsilon: float | None = None
    with_cost: bool = True

    def __post_init__(self) -> None:
        """ε is not negative."""
        check_measure(self.epsilon, "epsilon")

    @property
    def needs(self) -> tuple[str, ...]:
        """Cost only where it is a case."""
        return ("cases", "cost") if self.with_cost else ("cases",)

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Each pick shuffles the cases anew; without ``replace`` the chosen leave."""
        cases = pool.column("cases").reshape(len(pool), -1)
        epsilons: list[float | None] = [self.epsilon] * cases.shape[1]
        if self.with_cost:
            cases = np.column_stack((cases, -pool.column("cost")))
            epsilons.append(None)
        inside = np.arange(len(pool))
        rows: list[int] = []
        for _ in range(k):
            row = _survivor(cases, epsilons, inside, rng.permutation(cases.shape[1]).tolist())
            rows.append(row)
            if not replace:
                inside = inside[inside != row]
        return rows


def _survivor(
    cases: Floats,
    epsilons: list[float | None],
    inside: np.ndarray[tuple[int], np.dtype[np.int64]],
    order: list[int],
) -> int:
    for case in order:
        if len(inside) == 1:
            break
        values = cases[inside, case]
        epsilon = epsilons[case]
        if epsilon is None:
            epsilon = float(np.median(np.abs(values - np.median(values))))
        inside = inside[values >= values.max() - epsilon]
    return int(inside[0])
