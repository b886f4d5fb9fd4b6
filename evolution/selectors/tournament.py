"""Tournament: the best of a few drawn at random (with ``size`` 1 it is uniform)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng, best_first


@dataclass(frozen=True, slots=True)
class Tournament:
    """Contestants are drawn with replacement: the i-th best of n wins ((n-i+1)^s - (n-i)^s)/n^s of them."""

    name: ClassVar[str] = "tournament"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)
    size: int = 2

    def __post_init__(self) -> None:
        """At least one contestant."""
        if self.size < 1:
            raise InvalidInput(f"size ({self.size}) must be at least 1", field="size")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Without ``replace`` winners leave."""
        ranked = np.array(best_first(pool.column("fitness")))
        if replace:
            places = rng.integers(0, len(ranked), size=(k, self.size)).min(axis=1)
            return ranked[places].tolist()
        rows: list[int] = []
        for _ in range(k):
            place = int(rng.integers(0, len(ranked), size=self.size).min())
            rows.append(int(ranked[place]))
            ranked = np.delete(ranked, place)
        return rows
