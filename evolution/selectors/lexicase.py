"""ε-lexicase with cost as a case: specialists survive (La Cava et al. 2016; Helmuth et al. 2015)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats, Ints
from evolution.checks import check_measure
from evolution.selectors.base import Pool, Rng


@dataclass(frozen=True, slots=True)
class Lexicase:
    """Cases in random order, each keeps those within ε of the best left. What is tied at the end falls by id.

    ``epsilon`` None is automatic: the median absolute deviation of the case among those still in; else ε for
    scores (0 is plain lexicase).
    """

    name: ClassVar[str] = "lexicase"
    needs: ClassVar[tuple[str, ...]] = ("cases",)
    epsilon: float | None = None

    def __post_init__(self) -> None:
        """ε is not negative."""
        check_measure(self.epsilon, "epsilon")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Each pick shuffles the cases anew; without ``replace`` the chosen leave."""
        cases = pool.column("cases").reshape(len(pool), -1)
        return _picks(cases, [self.epsilon] * cases.shape[1], k, rng, replace=replace)


@dataclass(frozen=True, slots=True)
class CostLexicase:
    """As ``Lexicase`` with cost, small is good, as one more case.

    The ε of cost is always automatic: one in the unit of scores would mean nothing.
    """

    name: ClassVar[str] = "cost_lexicase"
    needs: ClassVar[tuple[str, ...]] = ("cases", "cost")
    epsilon: float | None = None

    def __post_init__(self) -> None:
        """ε is not negative."""
        check_measure(self.epsilon, "epsilon")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Each pick shuffles the cases anew; without ``replace`` the chosen leave."""
        scores = pool.column("cases").reshape(len(pool), -1)
        cases = np.column_stack((scores, -pool.column("cost")))
        return _picks(cases, [*[self.epsilon] * scores.shape[1], None], k, rng, replace=replace)


def _picks(cases: Floats, epsilons: Sequence[float | None], k: int, rng: Rng, *, replace: bool) -> list[int]:
    inside = np.arange(len(cases))
    rows: list[int] = []
    for _ in range(k):
        row = _survivor(cases, epsilons, inside, rng.permutation(cases.shape[1]).tolist())
        rows.append(row)
        if not replace:
            inside = inside[inside != row]
    return rows


def _survivor(
    cases: Floats,
    epsilons: Sequence[float | None],
    inside: Ints,
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
