"""The lineage as a tree from left to right: generations across, families together, values as colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evolution.lineage import Lineage
from evolution.records import Operator

BESIDE: Final = 0.3
"""How far beside its parent a child of the same generation stands, in generations."""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One agent. ``column`` and ``row`` are its place; ``value`` in [0, 1], None where it is unknown.

    The column is its generation; a child of its parent's own generation (a migrant) stands a step beside it.
    """

    agent_id: str
    generation: int
    column: float
    row: float
    operator: Operator
    value: float | None
    failed: bool


@dataclass(frozen=True, slots=True)
class TreeEdge:
    """From parent to child, by their numbers among the nodes. Only the first parent decides the layout."""

    parent: int
    child: int
    first: bool


@dataclass(frozen=True, slots=True)
class TreeFigure:
    """Nodes by id. ``dangling`` counts parents that are named and not in the lineage."""

    nodes: tuple[TreeNode, ...]
    edges: tuple[TreeEdge, ...]
    rows: int
    dangling: int
    value_name: str = "cost efficiency"
    title: str = ""

    @property
    def unknown(self) -> int:
        """How many agents have no value."""
        return sum(node.value is None for node in self.nodes)


def tree_figure(
    lineage: Lineage,
    values: Mapping[str, float | None],
    *,
    failed: frozenset[str] = frozenset(),
    value_name: str = "cost efficiency",
    title: str = "",
) -> TreeFigure:
    """Lay a lineage out. ``values`` by agent id; who is not in it is unknown. ``failed`` had no success."""
    rows, count = _rows(lineage)
    columns = _columns(lineage)
    nodes = tuple(
        TreeNode(
            node.agent_id,
            node.generation,
            columns[i],
            rows[i],
            node.operator,
            values.get(node.agent_id),
            node.agent_id in failed,
        )
        for i, node in enumerate(lineage.nodes)
    )
    edges = tuple(
        TreeEdge(parent, child, place == 0)
        for child, parents in enumerate(lineage.parents)
        for place, parent in enumerate(parents)
    )
    return TreeFigure(nodes, edges, count, len(lineage.dangling), value_name, title)


def _columns(lineage: Lineage) -> list[float]:
    columns = [float(node.generation) for node in lineage.nodes]
    for agent in lineage.order:
        parents = lineage.parents[agent]
        if parents and columns[agent] <= columns[parents[0]]:
            columns[agent] = columns[parents[0]] + BESIDE
    return columns


def _rows(lineage: Lineage) -> tuple[list[float], int]:
    """A row per agent without children of its own, as a walk meets them; parents in the middle of theirs."""
    below: list[list[int]] = [[] for _ in lineage.nodes]
    for child, parents in enumerate(lineage.parents):
        if parents:
            below[parents[0]].append(child)
    for children in below:
        children.sort(key=lambda child: (lineage.nodes[child].generation, lineage.nodes[child].agent_id))
    rows = [0.0] * len(lineage.nodes)
    count = 0
    # Without recursion: a lineage may be thousands of generations deep.
    waiting = list(reversed(lineage.roots))
    order: list[int] = []
    while waiting:
        agent = waiting.pop()
        order.append(agent)
        if not below[agent]:
            rows[agent] = float(count)
            count += 1
        waiting.extend(reversed(below[agent]))
    for agent in reversed(order):
        if below[agent]:
            rows[agent] = (rows[below[agent][0]] + rows[below[agent][-1]]) / 2
    return rows, max(count, 1)
