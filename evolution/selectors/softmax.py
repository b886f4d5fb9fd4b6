"""Softmax: probability in proportion to exp(fitness / temperature)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.checks import check_positive
from evolution.selectors.base import Pool, Rng, draw


@dataclass(frozen=True, slots=True)
class Softmax:
    """A low temperature takes the best, a high one anybody."""

    name: ClassVar[str] = "softmax"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)
    temperature: float = 0.1

    def __post_init__(self) -> None:
        """Above absolute zero."""
        check_positive(self.temperature, "temperature")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Draw by weights relative to the best, which cannot overflow."""
        fitness = pool.column("fitness")
        with np.errstate(over="ignore"):
            weights = np.exp((fitness - fitness.max()) / self.temperature)
        return draw(weights, k, rng, replace=replace)
