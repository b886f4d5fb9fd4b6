"""The three dimensions of fitness and their aggregates (source document 001:263-275).

``FitnessDimensions(.8, .5, .5).calculate_overall_fitness({})`` is .62.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from evolution.checks import check_fraction
from evolution.errors import InvalidInput

DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"effectiveness": 0.4, "efficiency": 0.3, "cost_efficiency": 0.3}
)
DIMENSIONS: Final = tuple(DEFAULT_WEIGHTS)
_HUGE: Final = 1e300


class Aggregate(StrEnum):
    """How three dimensions become one number.

    ``WEIGHTED``: the weighted mean. ``GEOMETRIC``: the weighted geometric mean: a zero anywhere is a zero.
    ``FLOOR``: the weighted mean of those whose effectiveness, at its lower bound, reaches a floor; else 0.
    """

    WEIGHTED = "weighted"
    GEOMETRIC = "geometric"
    FLOOR = "floor"


def normalised_weights(weights: Mapping[str, float] | None = None) -> dict[str, float]:
    """Weights that sum to 1: missing keys take .4 / .3 / .3 first.

    Raises ``InvalidInput`` for unknown keys, negative or infinite weights, and when all are zero.
    """
    given = dict(weights or {})
    if unknown := sorted(given.keys() - DEFAULT_WEIGHTS.keys()):
        raise InvalidInput(f"unknown weight {unknown[0]!r}; known: {', '.join(DIMENSIONS)}", field="weights")
    for name, value in given.items():
        if not (math.isfinite(value) and value >= 0):
            raise InvalidInput(
                f"the weight of {name} ({value}) must be finite and at least 0", field="weights"
            )
    merged = {**DEFAULT_WEIGHTS, **given}
    if max(merged.values()) <= 0:
        raise InvalidInput("all weights are zero: one dimension must count", field="weights")
    # The sum of huge weights must not overflow.
    scale = 1.0 if max(merged.values()) < _HUGE else 1 / _HUGE
    total = math.fsum(value * scale for value in merged.values())
    return {name: merged[name] * scale / total for name in DIMENSIONS}


@dataclass(frozen=True, slots=True)
class Overall:
    """One number in [0, 1], the weights that made it (they sum to 1), and which dimensions were unknown."""

    value: float | None
    weights: Mapping[str, float]
    missing: tuple[str, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether a dimension was unknown and the others stood in for it."""
        return bool(self.missing)


@dataclass(frozen=True, slots=True)
class FitnessDimensions:
    """Each in [0, 1], or None where it is unknown: never a default that makes all equal."""

    effectiveness: float | None
    efficiency: float | None
    cost_efficiency: float | None

    def __post_init__(self) -> None:
        """Refuse what is outside of [0, 1], NaN included."""
        for name in DIMENSIONS:
            check_fraction(getattr(self, name), name)

    def calculate_overall_fitness(self, weights: Mapping[str, float] | None = None) -> float:
        """The weighted mean. Raises ``InvalidInput`` for bad weights and when no dimension is known."""
        value = self.overall(weights).value
        if value is None:
            raise InvalidInput("no dimension with a weight is known", field="weights")
        return value

    def overall(
        self,
        weights: Mapping[str, float] | None = None,
        aggregate: Aggregate = Aggregate.WEIGHTED,
        *,
        effectiveness_low: float | None = None,
        effectiveness_floor: float = 0.0,
    ) -> Overall:
        """The aggregate, with the weights used. Unknown dimensions drop out and the rest is renormalised.

        For ``FLOOR``, ``effectiveness_low`` is the lower confidence bound that must reach the floor; without
        one the agent does not pass a positive floor.
        """
        wanted = normalised_weights(weights)
        known = {name: value for name in DIMENSIONS if (value := getattr(self, name)) is not None}
        missing = tuple(name for name in DIMENSIONS if name not in known and wanted[name] > 0)
        share = math.fsum(wanted[name] for name in known)
        if share <= 0:
            return Overall(None, wanted, missing)
        used = {name: wanted[name] / share for name in known} if missing else wanted
        if aggregate is Aggregate.FLOOR and (effectiveness_low or 0.0) < effectiveness_floor:
            return Overall(0.0, used, missing)
        if aggregate is Aggregate.GEOMETRIC:
            value = math.prod(known[name] ** used[name] for name in known if used[name] > 0)
        else:
            value = math.fsum(used[name] * known[name] for name in known)
        return Overall(min(value, 1.0), used, missing)
