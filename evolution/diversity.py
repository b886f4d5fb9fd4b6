"""Phylogenetic diversity of living agents: Faith PD, mean pairwise distance, fair proportion.

Every edge from parent to child has length 1. Distances follow first parents; several roots hang under one
common origin, a step above each, so that every pair has a distance. (Faith 1992; Isaac et al. 2007.)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from evolution.errors import InvalidInput
from evolution.lineage import Lineage


@dataclass(frozen=True, slots=True)
class Diversity:
    """root→a→{b, c}, root→d→e: PD 5, MPD 10/3."""

    tips: int
    faith_pd: int
    """How many edges the tree that joins the tips to their root has."""
    mean_pairwise_distance: float | None
    """None below two tips: undefined is not 0."""
    fair_proportion: dict[str, float]
    """Per tip: each edge above it, shared evenly with the other tips below that edge. They sum to PD."""


def diversity(lineage: Lineage, agent_ids: Iterable[str] | None = None) -> Diversity:
    """Of the given agents, else of those without children. Raises ``UnknownAgent``, ``InvalidInput``."""
    alive = lineage.tips if agent_ids is None else sorted({lineage.number(name) for name in agent_ids})
    if not alive:
        raise InvalidInput("diversity of nobody is undefined", field="agent_ids")
    below = [0] * len(lineage.nodes)
    for agent in alive:
        below[agent] = 1
    for agent in reversed(lineage.order):
        if above := lineage.parents[agent]:
            below[above[0]] += below[agent]
    rooted = sum(1 for agent in lineage.roots if below[agent]) == 1
    edges = [agent for agent in lineage.order if below[agent] and (lineage.parents[agent] or not rooted)]
    count = len(alive)
    crossings = sum(below[agent] * (count - below[agent]) for agent in edges)
    proportion = [0.0] * len(lineage.nodes)
    counted = set(edges)
    for agent in lineage.order:
        above = lineage.parents[agent]
        proportion[agent] = (proportion[above[0]] if above else 0.0) + (
            1 / below[agent] if agent in counted else 0.0
        )
    return Diversity(
        count,
        len(edges),
        2 * crossings / (count * (count - 1)) if count > 1 else None,
        {lineage.nodes[agent].agent_id: proportion[agent] for agent in alive},
    )
