"""Cost and effectiveness: every agent as a point, the dominance frontier and the hull among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from evolution.intervals import Interval
from evolution.selectors.base import Candidate
from evolution.selectors.frontier import dominance_frontier, hull_frontier

NANO = 10**9


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One agent. ``mean_cost`` is per evaluation, in units; ``low`` and ``high`` bound effectiveness."""

    agent_id: str
    effectiveness: float
    mean_cost: float
    low: float | None
    high: float | None
    on_frontier: bool
    on_hull: bool


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An agent that has no place on the cost axis, or on neither, and why (``UNKNOWN_COST`` or the like)."""

    agent_id: str
    effectiveness: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class FrontierFigure:
    """Points by id; agents that could not be placed are kept apart, so that nobody takes them for free."""

    currency: str
    points: tuple[FrontierPoint, ...]
    unplaced: tuple[Unplaced, ...] = ()
    title: str = ""

    @property
    def frontier(self) -> tuple[FrontierPoint, ...]:
        """The non-dominated points, the cheapest first."""
        return tuple(
            sorted((p for p in self.points if p.on_frontier), key=lambda p: (p.mean_cost, p.agent_id))
        )

    @property
    def hull(self) -> tuple[FrontierPoint, ...]:
        """The corners that no mixture of two agents beats, the cheapest first."""
        return tuple(p for p in self.frontier if p.on_hull)


def frontier_figure(
    candidates: Iterable[Candidate],
    currency: str = "USD",
    intervals: Mapping[str, Interval] | None = None,
    title: str = "",
) -> FrontierFigure:
    """Place candidates by mean cost and effectiveness. Raises ``InvalidInput`` for NaN and infinity."""
    placed: list[tuple[str, float, float]] = []
    unplaced: list[Unplaced] = []
    for each in sorted(candidates, key=lambda candidate: candidate.agent_id):
        if each.effectiveness is None:
            unplaced.append(Unplaced(each.agent_id, None, "UNKNOWN_EFFECTIVENESS"))
        elif each.cost is None:
            unplaced.append(Unplaced(each.agent_id, each.effectiveness, "UNKNOWN_COST"))
        else:
            placed.append((each.agent_id, each.effectiveness, each.cost / NANO))
    points = np.array([(cost, -effective) for _, effective, cost in placed]).reshape(-1, 2)
    front = set(dominance_frontier(points)) if placed else set[int]()
    hull = set(hull_frontier(points)) if placed else set[int]()
    known = intervals or {}
    return FrontierFigure(
        currency,
        tuple(
            FrontierPoint(
                name,
                effective,
                cost,
                known[name].low if name in known else None,
                known[name].high if name in known else None,
                i in front,
                i in hull,
            )
            for i, (name, effective, cost) in enumerate(placed)
        ),
        tuple(unplaced),
        title,
    )
