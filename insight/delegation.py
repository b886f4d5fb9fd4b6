"""What operations cost themselves, and what was done for them by others: each operation counted once.

Operations that a caller does not see are left out, and what they delegated counts for the nearest operation
above that is seen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

UNPRICED = "UNPRICED"


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. ``costs``: by currency, nano-units for prompt, completion and other."""

    uid: str
    parent_uid: str | None
    operation_id: str
    agent_id: str
    session_id: str | None
    budget_uid: str
    outcome: str
    pricing: str
    timestamp_us: int
    prompt_tokens: int
    completion_tokens: int
    costs: Mapping[str, tuple[int, int, int]]


@dataclass(slots=True)
class Spend:
    """Sums over operations. ``unpriced``: how many of them have no known price, and so no cost."""

    operations: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unpriced: int = 0
    costs: dict[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])
    outcomes: dict[str, int] = field(default_factory=dict[str, int])

    def count(self, node: Node) -> None:
        """One more operation."""
        self.operations += 1
        self.prompt_tokens += node.prompt_tokens
        self.completion_tokens += node.completion_tokens
        self.unpriced += node.pricing == UNPRICED
        self._cost(node.costs)
        self.outcomes[node.outcome] = self.outcomes.get(node.outcome, 0) + 1

    def add(self, other: "Spend") -> None:
        """All of another sum."""
        self.operations += other.operations
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.unpriced += other.unpriced
        self._cost(other.costs)
        for outcome, operations in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + operations

    def _cost(self, costs: Mapping[str, tuple[int, int, int]]) -> None:
        for currency, (prompt, completion, other) in costs.items():
            known = self.costs.get(currency, (0, 0, 0))
            self.costs[currency] = (known[0] + prompt, known[1] + completion, known[2] + other)


@dataclass(frozen=True, slots=True)
class Shares:
    """What was spent by something itself, and by operations that it delegated."""

    own: Spend
    delegated: Spend

    @property
    def total(self) -> Spend:
        """Both."""
        total = Spend()
        total.add(self.own)
        total.add(self.delegated)
        return total


def spend_of(nodes: Iterable[Node]) -> Spend:
    """The sum over some operations."""
    spend = Spend()
    for node in nodes:
        spend.count(node)
    return spend


class Forest:
    """Operations and what they delegated, as far as they are seen."""

    def __init__(self, nodes: Iterable[Node], sees: Callable[[str], bool]) -> None:
        """``sees`` tells of a budget's uid whether what it was charged is seen."""
        known = {node.uid: node for node in nodes}
        seen = {uid: node for uid, node in known.items() if sees(node.budget_uid)}
        self._children: dict[str | None, list[Node]] = {}
        self.parents: dict[str, str | None] = {}
        for node in seen.values():
            above = node.parent_uid
            while above in known and above not in seen:
                above = known[above].parent_uid
            self.parents[node.uid] = above if above in seen else None
            self._children.setdefault(self.parents[node.uid], []).append(node)
        for children in self._children.values():
            children.sort(key=lambda node: (node.timestamp_us, node.operation_id))
        self._nodes = seen
        self._below: dict[str, Spend] = {}
        for node, _ in reversed(list(self.walk())):
            below = self._below[node.uid] = Spend()
            for child in self.children(node.uid):
                below.count(child)
                below.add(self._below[child.uid])

    def __contains__(self, uid: str) -> bool:
        return uid in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def roots(self) -> Sequence[Node]:
        """Those that nothing which is seen delegated."""
        return self._children.get(None, [])

    def children(self, uid: str) -> Sequence[Node]:
        """What one delegated, by time."""
        return self._children.get(uid, [])

    def walk(self, top: str | None = None) -> Iterator[tuple[Node, int]]:
        """All operations with their depth, each before what it delegated; those below ``top`` if named."""
        waiting = [(node, 0) for node in reversed(self._children.get(top, []))]
        while waiting:
            node, depth = waiting.pop()
            yield node, depth
            waiting.extend((child, depth + 1) for child in reversed(self.children(node.uid)))

    def operation(self, uid: str) -> Shares:
        """Of one operation."""
        return Shares(spend_of([self._nodes[uid]]), self._below[uid])

    def shares(self, own: Callable[[Node], bool]) -> Shares:
        """Of the operations that something calls its own; what is below any of them and is not is delegated.

        What is neither, as the work of somebody who delegated to them, is not counted.
        """
        mine, others = Spend(), Spend()
        below: set[str] = set()
        for node, _ in self.walk():
            is_own = own(node)
            if is_own:
                mine.count(node)
            elif self.parents[node.uid] in below:
                others.count(node)
            if is_own or self.parents[node.uid] in below:
                below.add(node.uid)
        return Shares(mine, others)

    def agents(self) -> dict[str, Shares]:
        """Of each agent, by id."""
        shares: dict[str, Shares] = {}
        above: dict[str, frozenset[str]] = {}
        for node, _ in self.walk():
            agents = above.get(node.uid, frozenset())
            shares.setdefault(node.agent_id, Shares(Spend(), Spend())).own.count(node)
            for agent in agents - {node.agent_id}:
                shares[agent].delegated.count(node)
            for child in self.children(node.uid):
                above[child.uid] = agents | {node.agent_id}
        return dict(sorted(shares.items()))
