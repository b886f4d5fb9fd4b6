"""The Price equation on z = ln smoothed CoP: how much of a change was selection, how much transmission.

Δz̄ = Cov(w, z)/w̄ + E[w Δz]/w̄ with population covariance (Price 1970). w is how many children an agent
has; a child with several parents gives each 1/|parents|. It is an identity: whatever happened, both agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolution.errors import InvalidInput
from evolution.lineage import Lineage


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """Below 0 is cheaper. ``change`` = ``selection`` + ``transmission``."""

    change: float
    """Mean of the children (weighted by the shares of their parents) less mean of the parents."""
    selection: float
    """Cov(w, z)/w̄: the cheap ones had more children."""
    transmission: float
    """E[w Δz]/w̄: children are cheaper than their parents."""
    parents: int
    offspring: float
    """The sum of w: children count by the share of their parents that is in this generation."""


def price_terms(z: Sequence[float], w: Sequence[float], child_mean: Sequence[float | None]) -> PriceTerms:
    """The terms for parents with trait z, w children, and those children's mean trait.

    ``child_mean`` may be None where w is 0. Raises ``InvalidInput`` for NaN, and where nobody has a child.
    """
    if not len(z) == len(w) == len(child_mean):
        raise InvalidInput("z, w and child_mean must have one length", field="w")
    means = [own if mean is None else mean for own, mean in zip(z, child_mean, strict=True)]
    if not all(math.isfinite(each) for each in (*z, *w, *means)) or any(each < 0 for each in w):
        raise InvalidInput("z, w and child_mean must be finite, and w at least 0", field="w")
    if any(count > 0 and mean is None for count, mean in zip(w, child_mean, strict=True)):
        raise InvalidInput("who has children needs their mean", field="child_mean")
    offspring = math.fsum(w)
    if offspring <= 0:
        raise InvalidInput("nobody has a child with a known cost", field="w")
    size = len(z)
    mean_z, mean_w = math.fsum(z) / size, offspring / size
    # Centred on both sides, so that a large common z costs no digits.
    selection = math.fsum((b - mean_w) * (a - mean_z) for a, b in zip(z, w, strict=True)) / offspring
    transmission = math.fsum(b * (m - a) for a, b, m in zip(z, w, means, strict=True)) / offspring
    children = math.fsum(b * m for b, m in zip(w, means, strict=True)) / offspring
    return PriceTerms(children - mean_z, selection, transmission, size, offspring)


def price_of_generation(lineage: Lineage, z: Mapping[str, float], generation: int) -> PriceTerms:
    """The terms from the agents of a generation to their children, whichever generation these are in.

    ``z`` is ln smoothed cost of pass by agent id; agents without one are in neither side. Dangling parents
    take their share of a child away. Raises ``InvalidInput`` where no measured agent has a measured child.
    """
    parents = [
        i for i, node in enumerate(lineage.nodes) if node.generation == generation and node.agent_id in z
    ]
    traits = [z.get(name) for name in lineage.ids]
    shares: list[float] = []
    means: list[float | None] = []
    for parent in parents:
        found = [
            (1 / len(lineage.nodes[child].parent_ids), trait)
            for child in lineage.children[parent]
            if (trait := traits[child]) is not None
        ]
        share = math.fsum(part for part, _ in found)
        shares.append(share)
        means.append(math.fsum(part * trait for part, trait in found) / share if share else None)
    return price_terms([z[lineage.nodes[i].agent_id] for i in parents], shares, means)


def price_by_generation(lineage: Lineage, z: Mapping[str, float]) -> dict[int, PriceTerms]:
    """The terms of every generation that has measured children, by generation."""
    found: dict[int, PriceTerms] = {}
    for generation in sorted({node.generation for node in lineage.nodes}):
        try:
            found[generation] = price_of_generation(lineage, z, generation)
        except InvalidInput:
            continue
    return found
