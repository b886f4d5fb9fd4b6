"""Frontiers of cost and effectiveness: who is dominated by nobody, and who by no mixture of two.

The hull is the stricter one: a caller who may send a part of the work to one agent and the rest to another
gets everything on the line between them.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng
from evolution.selectors.nsga2 import crowded_order, objectives
from evolution.selectors.sorting import front_ranks


def dominance_frontier(points: Floats) -> list[int]:
    """Rows that no other row dominates; all columns to be minimised. Equal rows stay together."""
    return np.flatnonzero(front_ranks(points) == 0).tolist()


def hull_frontier(points: Floats) -> list[int]:
    """Rows on the lower left convex hull of two columns: convex hull, then dominance.

    Rows inside a straight edge of it are left out: a mixture does as well. Equal corners stay together.
    """
    if points.shape[1] != 2:  # noqa: PLR2004 - a mixture of two lies on a line
        raise InvalidInput("a hull frontier has two objectives", field="points")
    front = dominance_frontier(points)
    corners: list[tuple[float, float]] = []
    for x, y in sorted({(float(points[i, 0]), float(points[i, 1])) for i in front}):
        while len(corners) > 1 and not _turns_left(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    kept = set(corners)
    return [i for i in front if (float(points[i, 0]), float(points[i, 1])) in kept]


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])


@dataclass(frozen=True, slots=True)
class DominanceFrontier:
    """The non-dominated candidates; more than k: the loneliest. With ``replace`` uniform draws from them."""

    name: ClassVar[str] = "dominance_frontier"
    needs: ClassVar[tuple[str, ...]] = ("cost", "effectiveness")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Fewer than k where the frontier has fewer."""
        points = objectives(pool)
        return _from_front(points, dominance_frontier(points), k, rng, replace=replace)


@dataclass(frozen=True, slots=True)
class HullFrontier:
    """As the dominance frontier, where work may be split between two agents."""

    name: ClassVar[str] = "hull_frontier"
    needs: ClassVar[tuple[str, ...]] = ("cost", "effectiveness")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Fewer than k where the hull has fewer corners."""
        points = objectives(pool)
        return _from_front(points, hull_frontier(points), k, rng, replace=replace)


def _from_front(points: Floats, front: list[int], k: int, rng: Rng, *, replace: bool) -> list[int]:
    if replace:
        return [front[i] for i in rng.integers(0, len(front), size=k).tolist()]
    if len(front) <= k:
        return front
    return [front[i] for i in crowded_order(points[front])[:k]]
