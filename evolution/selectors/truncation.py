"""Truncation: the best, and nobody else."""

import math
from dataclasses import dataclass
from typing import ClassVar

from evolution.errors import InvalidInput
from evolution.selectors.base import Pool, Rng, best_first


@dataclass(frozen=True, slots=True)
class Truncation:
    """Without ``fraction`` the best k; with it k random ones of the best part (rounded up)."""

    name: ClassVar[str] = "truncation"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)
    fraction: float | None = None

    def __post_init__(self) -> None:
        """A part of the whole."""
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise InvalidInput(f"fraction ({self.fraction}) must be in (0, 1]", field="fraction")

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Without ``replace`` there are no more than the best part has."""
        ranked = best_first(pool.column("fitness"))
        if self.fraction is None:
            return [ranked[i % len(ranked)] for i in range(k)]
        part = ranked[: math.ceil(self.fraction * len(ranked))]
        places = rng.choice(len(part), size=k if replace else min(k, len(part)), replace=replace)
        return [part[i] for i in places.tolist()]
