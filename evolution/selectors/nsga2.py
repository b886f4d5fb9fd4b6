"""NSGA-II: by front, then by crowding, on cost (low) and effectiveness (high)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.selectors.base import Pool, Rng
from evolution.selectors.sorting import crowding, fronts


def objectives(pool: Pool) -> Floats:
    """Cost and negated effectiveness: both to be minimised."""
    return np.column_stack((pool.column("cost"), -pool.column("effectiveness")))


def crowded_order(points: Floats) -> list[int]:
    """Rows by front, then lonely ones first, then by id."""
    order: list[int] = []
    for front in fronts(points):
        places: list[int] = np.argsort(-crowding(points[front]), kind="stable").tolist()
        order.extend(front[i] for i in places)
    return order


@dataclass(frozen=True, slots=True)
class Nsga2:
    """Deb et al. 2002. Without ``replace`` the survivors; with it parents by binary crowded tournament."""

    name: ClassVar[str] = "nsga2"
    needs: ClassVar[tuple[str, ...]] = ("cost", "effectiveness")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Ties in front and crowding fall by id."""
        order = crowded_order(objectives(pool))
        if not replace:
            return order[:k]
        places = rng.integers(0, len(order), size=(k, 2)).min(axis=1)
        return [order[i] for i in places.tolist()]
