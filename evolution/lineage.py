"""A family of agents as a directed acyclic graph: several parents allowed, dangling ones reported.

Agents are numbered by their sorted ids, so that nothing depends on the order in which they came.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evolution.errors import Conflict, CycleFound, UnknownAgent
from evolution.records import AgentNode


@dataclass(frozen=True, slots=True)
class Dangling:
    """An agent names a parent that is not in the lineage."""

    agent_id: str
    parent_id: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """A validated lineage. ``parents`` and ``children`` number agents; ``order`` has parents first."""

    nodes: tuple[AgentNode, ...]
    parents: tuple[tuple[int, ...], ...]
    """In the order in which each agent names them; dangling ones left out."""
    children: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    dangling: tuple[Dangling, ...]
    index: dict[str, int] = field(repr=False)

    @classmethod
    def of(cls, nodes: Iterable[AgentNode]) -> "Lineage":
        """Validate. The same agent twice counts once.

        Raises ``Conflict`` for one id with two contents, ``CycleFound`` for an agent among its own ancestors.
        """
        found: dict[str, AgentNode] = {}
        for node in nodes:
            if found.setdefault(node.agent_id, node) != node:
                raise Conflict(f"agent {node.agent_id!r} comes with two contents", field="agents")
        agents = tuple(found[name] for name in sorted(found))
        index = {node.agent_id: i for i, node in enumerate(agents)}
        parents = tuple(
            tuple(index[parent] for parent in node.parent_ids if parent in index) for node in agents
        )
        children: list[list[int]] = [[] for _ in agents]
        for i, above in enumerate(parents):
            for parent in above:
                children[parent].append(i)
        dangling = tuple(
            Dangling(node.agent_id, parent)
            for node in agents
            for parent in node.parent_ids
            if parent not in index
        )
        order = _parents_first(agents, parents, children)
        return cls(agents, parents, tuple(tuple(each) for each in children), order, dangling, index)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every agent's id, in order."""
        return tuple(node.agent_id for node in self.nodes)

    @property
    def roots(self) -> tuple[int, ...]:
        """Agents without a known parent."""
        return tuple(i for i, above in enumerate(self.parents) if not above)

    @property
    def tips(self) -> tuple[int, ...]:
        """Agents without a child."""
        return tuple(i for i, below in enumerate(self.children) if not below)

    def number(self, agent_id: str) -> int:
        """An agent's number. Raises ``UnknownAgent``."""
        try:
            return self.index[agent_id]
        except KeyError:
            raise UnknownAgent(f"no agent {agent_id!r} in this lineage", field="agent_id") from None

    def descendants(self, agent: int) -> set[int]:
        """Everybody below, each once, without the agent itself."""
        return _reached(agent, self.children)

    def ancestors(self, agent: int) -> set[int]:
        """Everybody above, each once, without the agent itself."""
        return _reached(agent, self.parents)

    def path_to(self, agent: int) -> tuple[int, ...]:
        """From a root down to the agent, along the first known parent of each."""
        path = [agent]
        while above := self.parents[path[-1]]:
            path.append(above[0])
        return tuple(reversed(path))


def _reached(start: int, edges: Sequence[Sequence[int]]) -> set[int]:
    seen: set[int] = set()
    waiting = list(edges[start])
    while waiting:
        agent = waiting.pop()
        if agent not in seen:
            seen.add(agent)
            waiting.extend(edges[agent])
    return seen


def _parents_first(
    agents: Sequence[AgentNode], parents: Sequence[Sequence[int]], children: Sequence[Sequence[int]]
) -> tuple[int, ...]:
    open_parents = [len(above) for above in parents]
    ready = deque(i for i, count in enumerate(open_parents) if not count)
    order: list[int] = []
    while ready:
        agent = ready.popleft()
        order.append(agent)
        for child in children[agent]:
            open_parents[child] -= 1
            if not open_parents[child]:
                ready.append(child)
    if len(order) < len(agents):
        raise CycleFound(_cycle(agents, parents, {i for i, count in enumerate(open_parents) if count}))
    return tuple(order)


def _cycle(agents: Sequence[AgentNode], parents: Sequence[Sequence[int]], stuck: set[int]) -> list[str]:
    """One cycle: whoever is stuck has a parent that is, so going up must come round."""
    path: list[int] = [min(stuck)]
    at = {path[0]: 0}
    while True:
        above = min(parent for parent in parents[path[-1]] if parent in stuck)
        if above in at:
            return [agents[i].agent_id for i in reversed(path[at[above] :])]
        at[above] = len(path)
        path.append(above)
