"""Clades: an agent and all its descendants, each counted once however many ways lead to it.

Sums follow the tree where it is one, in one pass; where an agent below has several parents, sets of
descendants are kept as bits, so that diamonds count once. Reading changes nothing (HGM's did: 2, 5, 8, 11
evaluations over three reads).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evolution.arrays import Ints
from evolution.checks import NANO_MAX
from evolution.errors import InvalidInput, SumOutOfRange
from evolution.intervals import Interval, wilson_bounds
from evolution.lineage import Lineage
from evolution.records import Evaluation, Experiment, Role
from evolution.totals import Totals, distinct, totals_of

Number = TypeVar("Number", np.float64, np.int64)


def family_sums(lineage: Lineage, own: NDArray[Number], *, upwards: bool = False) -> NDArray[Number]:
    """Per agent, the column sums of ``own`` over its clade (or, ``upwards``, over it and its ancestors).

    ``own`` has a row per agent of the lineage. Integer columns are summed exactly.
    """
    edges, back = (lineage.parents, lineage.children) if upwards else (lineage.children, lineage.parents)
    order = lineage.order if upwards else lineage.order[::-1]
    shared = _met_twice(edges, back, order)
    sums = own.copy()
    for agent in order:
        if not shared[agent]:
            for each in edges[agent]:
                sums[agent] += sums[each]
    if any(shared):
        _sum_by_bits(edges, back, order, shared, own, sums)
    return sums


def _met_twice(
    edges: Sequence[Sequence[int]], back: Sequence[Sequence[int]], order: Sequence[int]
) -> list[bool]:
    """Whose family may hold somebody twice: two ways part in it, above somebody with two ways in."""
    joins, shared = [False] * len(order), [False] * len(order)
    for agent in order:
        joins[agent] = any(joins[each] or len(back[each]) > 1 for each in edges[agent])
        parts = len(edges[agent]) > 1 and joins[agent]
        shared[agent] = parts or any(shared[each] for each in edges[agent])
    return shared


def _sum_by_bits(
    edges: Sequence[Sequence[int]],
    back: Sequence[Sequence[int]],
    order: Sequence[int],
    shared: Sequence[bool],
    own: NDArray[Number],
    sums: NDArray[Number],
) -> None:
    """Whole families as integers of bits. A family is let go once all that need it have read it."""
    ordered = own[np.array(order, dtype=np.int64)]
    families: dict[int, int] = {}
    readers = [len(each) for each in back]
    for place, agent in enumerate(order):
        family = 1 << place
        for each in edges[agent]:
            family |= families[each]
            readers[each] -= 1
            if not readers[each]:
                del families[each]
        if readers[agent]:
            families[agent] = family
        if shared[agent]:
            packed = np.frombuffer(family.to_bytes(place // 8 + 1, "little"), dtype=np.uint8)
            members = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
            sums[agent] = ordered[members].sum(axis=0)


@dataclass(frozen=True, slots=True)
class Clade:
    """What an agent and its descendants did. Money in nano-units; None is unknown."""

    agent_id: str
    members: int
    trials: int
    successes: float
    success_interval: Interval | None
    cost_nano: int
    """Known cost of evaluations, failures included; building is apart."""
    unknown_costs: int
    """Evaluations whose cost nobody knows. They are in neither side of the cost of pass."""
    cost_of_pass: float | None
    """K / S over the evaluations with a known cost; None without a success among them."""
    cost_efficiency: float | None
    """c0 / (c0 + cost of pass); 0 without a success; None where no cost is known or no c0 is set."""
    build_cost_nano: int
    unknown_build_costs: int
    discovery_cost_nano: int
    """Known cost of building and evaluating the agent and all its ancestors, each once."""

    @property
    def incomplete(self) -> bool:
        """Whether some cost in it is unknown: its figures are then lower bounds of what was spent."""
        return bool(self.unknown_costs or self.unknown_build_costs)


@dataclass(frozen=True, slots=True)
class CladeReport:
    """Every clade by agent id, and the tree as a whole."""

    clades: tuple[Clade, ...]
    tree_cost_nano: int
    """What building and evaluating everybody cost, as far as it is known: the price of all that was found."""
    unknown_costs: int

    def of(self, agent_id: str) -> Clade:
        """The clade of one agent. Raises ``InvalidInput``."""
        place = bisect_left(self.clades, agent_id, key=lambda each: each.agent_id)
        if place < len(self.clades) and self.clades[place].agent_id == agent_id:
            return self.clades[place]
        raise InvalidInput(f"no agent {agent_id!r} in this report", field="agent_id")


def clade_report(lineage: Lineage, evaluations: Iterable[Evaluation], experiment: Experiment) -> CladeReport:
    """Score every clade. Evaluations of agents outside of the lineage are refused by ``InvalidInput``.

    A task that an agent was not tried on is not held against its clade: only evaluations count.
    """
    rows = distinct(evaluations)
    for each in rows:
        if each.agent_id not in lineage.index:
            raise InvalidInput(
                f"an evaluation of {each.agent_id!r}, which is not in the lineage", field="evaluations"
            )
    totals = totals_of(rows, experiment, lineage.ids, checked=True)
    build, unknown_builds = _build_costs(lineage, rows)
    integers = np.column_stack(
        (
            np.ones(len(lineage.nodes), dtype=np.int64),
            totals.trials - totals.untried,
            totals.cost_nano,
            _unknown(totals),
            build,
            unknown_builds,
        )
    )
    if sum(map(int, totals.cost_nano)) + sum(map(int, build)) > NANO_MAX:
        raise SumOutOfRange("the lineage's cost is past what 64 bits can hold", field="cost_nano")
    scores = family_sums(lineage, np.column_stack((totals.successes, totals.cost.successes)))
    counts = family_sums(lineage, integers)
    spent = (totals.cost_nano + build).reshape(-1, 1)
    discovery = family_sums(lineage, spent, upwards=True)
    bounds = wilson_bounds(scores[:, 0], counts[:, 1], experiment.confidence)
    clades = tuple(
        _clade(*each, experiment)
        for each in zip(
            lineage.ids,
            counts.tolist(),
            scores.tolist(),
            np.column_stack(bounds).tolist(),
            discovery[:, 0].tolist(),
            strict=True,
        )
    )
    unknown = int(_unknown(totals).sum() + unknown_builds.sum())
    return CladeReport(clades, int(spent.sum()), unknown)


def _unknown(totals: Totals) -> Ints:
    return totals.cost.unknown + totals.cost.imputed - totals.untried


def _build_costs(lineage: Lineage, rows: Iterable[Evaluation]) -> tuple[Ints, Ints]:
    cost: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for each in rows:
        if each.role is Role.BUILD:
            cost[each.agent_id] = cost.get(each.agent_id, 0) + (each.cost_nano or 0)
            unknown[each.agent_id] = unknown.get(each.agent_id, 0) + (each.cost_nano is None)
    if sum(cost.values()) > NANO_MAX:
        raise SumOutOfRange("the cost of building is past what 64 bits can hold", field="cost_nano")
    return _column(lineage, cost), _column(lineage, unknown)


def _column(lineage: Lineage, values: Mapping[str, int]) -> Ints:
    return np.array([values.get(name, 0) for name in lineage.ids], dtype=np.int64)


def _clade(
    agent_id: str,
    counts: Sequence[int],
    scores: Sequence[float],
    bounds: Sequence[float],
    discovery_nano: int,
    experiment: Experiment,
) -> Clade:
    successes, priced_successes = scores
    members, trials, cost_nano, unknown, build_nano, unknown_builds = counts
    priced = trials - unknown
    ratio = cost_nano / priced_successes if priced_successes > 0 else None
    efficiency = None
    if priced and experiment.c0_nano is not None:
        efficiency = 0.0 if ratio is None else experiment.c0_nano / (experiment.c0_nano + ratio)
    return Clade(
        agent_id,
        members,
        trials,
        successes,
        Interval(*bounds) if trials else None,
        cost_nano,
        unknown,
        ratio,
        efficiency,
        build_nano,
        unknown_builds,
        discovery_nano,
    )
