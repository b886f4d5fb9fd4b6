"""Stochastic universal sampling: one spin, k pointers at even distances (Baker 1987).

Everybody is chosen as often as expected, rounded down or up.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evolution.arrays import Floats
from evolution.selectors.base import Pool, Rng
from evolution.selectors.roulette import proportional


@dataclass(frozen=True, slots=True)
class UniversalSampling:
    """As roulette, with the least possible spread."""

    name: ClassVar[str] = "sus"
    needs: ClassVar[tuple[str, ...]] = ("fitness",)

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Without ``replace`` a chance above 1 is cut to 1 and the rest shared: nobody comes twice."""
        weights = proportional(pool)
        largest = float(weights.max())
        share = weights / largest if largest > 0 else np.ones(len(pool))
        expected = k * share / share.sum() if replace else _inclusion(share, k)
        edges = np.cumsum(expected)
        # The wheel's circumference is k; rounding must not leave the last pointer beyond its end.
        edges[np.flatnonzero(expected)[-1] :] = k
        return np.searchsorted(edges, rng.random() + np.arange(k), side="right").tolist()


def _inclusion(share: Floats, k: int) -> Floats:
    chance = np.zeros(len(share))
    certain = np.zeros(len(share), dtype=np.bool_)
    while True:
        left = np.where(certain, 0.0, share)
        room = k - int(certain.sum())
        if left.sum() <= 0:
            # More places than weights above 0: the rest share them evenly.
            left = np.where(certain, 0.0, 1.0)
        if not room:
            return np.where(certain, 1.0, 0.0)
        chance = np.where(certain, 1.0, room * left / left.sum())
        over = ~certain & (chance >= 1)
        if not over.any():
            return chance
        certain |= over
