"""How a lineage became cheaper or dearer: Δ ln CoP along a path, split into price, tokens and skill.

Smoothed CoP = c̄/p̃ = (K/T) · (T/n) / p̃: money per token, tokens per evaluation, evaluations per success. In
logarithms each step is the sum of its three parts and the steps telescope to the whole path, exactly.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evolution.errors import InvalidInput
from evolution.lineage import Lineage
from evolution.records import Evaluation, Experiment
from evolution.totals import Totals, totals_of


@dataclass(frozen=True, slots=True)
class Level:
    """ln of an agent's smoothed cost of pass and its three parts: total = price + token + skill."""

    agent_id: str
    total: float
    price: float
    token: float
    skill: float


@dataclass(frozen=True, slots=True)
class Step:
    """What changed from one measured agent to the next on the path; below 0 is cheaper.

    ``bridged``: agents between the two that were not measured (no known cost, or no tokens).
    """

    parent_id: str
    child_id: str
    total: float
    price: float
    token: float
    skill: float
    bridged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathAttribution:
    """The steps from the first measured agent to the last, and their sum."""

    path: tuple[str, ...]
    steps: tuple[Step, ...]
    total: float
    price: float
    token: float
    skill: float


def levels(totals: Totals) -> dict[str, Level]:
    """The levels of every agent whose costs and tokens are all known and above 0, by id."""
    found: dict[str, Level] = {}
    cost, tokens = totals.cost, totals.tokens
    for i, name in enumerate(totals.agent_ids):
        money, count, known = float(cost.total[i]), float(tokens.total[i]), int(cost.known[i])
        whole = known and known == int(tokens.known[i]) and not (cost.unknown[i] or tokens.unknown[i])
        if whole and money > 0 and count > 0:
            trials = int(cost.trials[i])
            price = math.log(money / count)
            token = math.log(count / known)
            skill = -math.log((float(totals.successes[i]) + 0.5) / (trials + 1))
            found[name] = Level(name, price + token + skill, price, token, skill)
    return found


def attribute_path(known: dict[str, Level], path: Sequence[str]) -> PathAttribution:
    """Split the change along a path of agent ids. Raises ``InvalidInput`` where none is measured."""
    steps: list[Step] = []
    measured = [name for name in path if name in known]
    if not measured:
        raise InvalidInput("no agent on the path has a known cost and known tokens", field="path")
    before, bridged = known[measured[0]], list[str]()
    for name in path[path.index(measured[0]) + 1 : path.index(measured[-1]) + 1]:
        level = known.get(name)
        if level is None:
            bridged.append(name)
            continue
        price, token, skill = (
            level.price - before.price,
            level.token - before.token,
            level.skill - before.skill,
        )
        steps.append(
            Step(before.agent_id, name, level.total - before.total, price, token, skill, tuple(bridged))
        )
        before, bridged = level, []
    first = known[measured[0]]
    return PathAttribution(
        tuple(path),
        tuple(steps),
        before.total - first.total,
        before.price - first.price,
        before.token - first.token,
        before.skill - first.skill,
    )


def path_attribution(
    lineage: Lineage, evaluations: Iterable[Evaluation], experiment: Experiment, tip_id: str
) -> PathAttribution:
    """From the root to ``tip_id`` along first parents. Raises ``UnknownAgent``, ``InvalidInput``."""
    path = [lineage.nodes[i].agent_id for i in lineage.path_to(lineage.number(tip_id))]
    on_path = frozenset(path)
    rows = [each for each in evaluations if each.agent_id in on_path]
    return attribute_path(levels(totals_of(rows, experiment, path)), path)
