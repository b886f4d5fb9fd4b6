"""Roulette: probability in proportion to fitness; all zero is uniform; negative fitness is refused."""

from dataclasses import dataclass
from typing import ClassVar

from evolution.arrays import Floats
from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng, draw


def proportional(pool: Pool) -> Floats:
    """Fitness as weights. Raises ``InvalidInput`` below 0."""
    fitness = pool.column("fitness")
    if (fitness < 0).any():
        raise InvalidInput(
            "fitness below 0 has no share of a wheel: shift it, or take ranks", field="fitness"
        )
    return fitness


@dataclass(frozen=True, slots=True)
class Roulette:
    """Fitness-proportionate selection."""

    name: ClassVar[str] = "roulette"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Spin k times."""
        return draw(proportional(pool), k, rng, replace=replace)
