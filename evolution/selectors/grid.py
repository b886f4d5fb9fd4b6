"""MAP-Elites: the best of every cell of log cost and effectiveness, with fixed edges (Mouret 2015)."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng, best_first


@dataclass(frozen=True, slots=True)
class EliteGrid:
    """Fixed edges: a cell means the same in every generation. Below the first or above the last edge counts.

    ``cost_edges`` are nano-units, by default half decades from 1e-6 to 1,000 units; cost 0 is in the first
    cell. ``effectiveness_edges`` are fractions; an edge belongs to the cell above it.
    """

    name: ClassVar[str] = "map_elites"
    needs: ClassVar[tuple[str, ...]] = ("cost", "effectiveness", "fitness")
    cost_edges: tuple[float, ...] = tuple(10.0 ** (3 + i / 2) for i in range(19))
    effectiveness_edges: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    def __post_init__(self) -> None:
        """Edges rise; those of cost are above 0."""
        for name in ("cost_edges", "effectiveness_edges"):
            edges = getattr(self, name)
            if not all(math.isfinite(each) for each in edges) or any(a >= b for a, b in pairwise(edges)):
                raise InvalidInput(f"{name} must rise and be finite", field=name)
        if self.cost_edges and self.cost_edges[0] <= 0:
            raise InvalidInput("cost_edges must be above 0: the axis is logarithmic", field="cost_edges")

    def cells(self, pool: Pool) -> list[tuple[int, int]]:
        """Each candidate's cell: how many edges of each axis it has reached."""
        across = np.searchsorted(self.cost_edges, pool.column("cost"), side="right")
        up = np.searchsorted(self.effectiveness_edges, pool.column("effectiveness"), side="right")
        return list(zip(across.tolist(), up.tolist(), strict=True))

    def elites(self, pool: Pool) -> dict[tuple[int, int], int]:
        """The row of the fittest candidate of every cell that has one, cells in order."""
        cells = self.cells(pool)
        found: dict[tuple[int, int], int] = {}
        for row in best_first(pool.column("fitness")):
            found.setdefault(cells[row], row)
        return dict(sorted(found.items()))

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Uniform over filled cells; without ``replace`` each cell once, so perhaps fewer than k."""
        elites = list(self.elites(pool).values())
        count = k if replace else min(k, len(elites))
        return [elites[i] for i in rng.choice(len(elites), size=count, replace=replace).tolist()]
