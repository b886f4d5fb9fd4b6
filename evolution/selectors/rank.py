"""Linear rank: probability falls evenly from the best to the worst, whatever they differ by (Baker 1985)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng, best_first, draw


@dataclass(frozen=True, slots=True)
class LinearRank:
    """The best gets ``pressure`` times the mean, the worst 2 - ``pressure``; pressure in [1, 2]."""

    name: ClassVar[str] = "linear_rank"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)
    pressure: float = 1.5

    def __post_init__(self) -> None:
        """1 is uniform, 2 leaves the worst without a chance."""
        if not 1 <= self.pressure <= 2:  # noqa: PLR2004 - beyond 2 a probability would be negative
            raise InvalidInput(f"pressure ({self.pressure}) must be in [1, 2]", field="pressure")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Draw by rank."""
        size = len(pool)
        weights = np.ones(size)
        falling = self.pressure - 2 * (self.pressure - 1) * np.arange(size) / max(size - 1, 1)
        weights[best_first(pool.column("fitness"))] = falling if size > 1 else 1.0
        return draw(weights, k, rng, replace=replace)
