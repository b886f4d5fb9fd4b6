"""Evaluations added up per agent, with explicit denominators: who counts as tried, and who knows its cost.

Reading is idempotent: an evaluation that comes twice counts once, and the order of the rows is nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evolution.arrays import Bools, Floats, Ints, counts_by, divide, exact_sums, sums_by
from evolution.errors import Conflict
from evolution.records import Evaluation, Experiment, Missing


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent per agent in one unit (nano-units, seconds or tokens). One element per agent.

    ``known`` evaluations have a figure; ``imputed`` ones failed without one and are charged the mean;
    ``unknown`` ones have a score and no figure. All but ``unknown`` speak of one and the same set.
    """

    known: Ints
    imputed: Ints
    unknown: Ints
    successes: Floats
    total: Floats
    variance: Floats
    covariance: Floats

    @property
    def trials(self) -> Ints:
        """The denominator."""
        return self.known + self.imputed

    @property
    def mean(self) -> Floats:
        """c̄, per evaluation; NaN where nothing is known."""
        return divide(self.total, self.known)

    @property
    def per_success(self) -> Floats:
        """K / S with failures and imputed costs in K; infinite without a success; NaN where unknown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.mean * self.trials / self.successes
        return np.where(np.isnan(self.mean), np.nan, np.where(self.successes > 0, ratio, np.inf))


@dataclass(frozen=True, slots=True)
class TaskSpending:
    """Known money by agent and task: one element per pair that occurs. ``tasks`` are all tasks, sorted."""

    tasks: tuple[str, ...]
    agent: Ints
    task: Ints
    trials: Ints
    successes: Floats
    cost: Floats


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums per agent, in the order of ``agent_ids`` (sorted)."""

    agent_ids: tuple[str, ...]
    trials: Ints
    """n: scored evaluations, and those that are missing where these count as failed."""
    successes: Floats
    untried: Ints
    """Tasks without an evaluation that count as failed; part of ``trials``."""
    missing: Ints
    """Evaluations without a score, and tasks without an evaluation."""
    cost_nano: Ints
    """All that is known to have been spent on them, exactly."""
    tasks: Ints
    """How many tasks each agent is held against."""
    cost: Spending
    seconds: Spending
    tokens: Spending
    by_task: TaskSpending


def distinct(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Each evaluation once, by key. Raises ``Conflict`` where one key has two contents."""
    found: dict[tuple[str, str, str, int], Evaluation] = {}
    for each in evaluations:
        known = found.setdefault((each.agent_id, each.task_id, each.role, each.trial), each)
        if known is not each and known != each:
            raise Conflict(
                f"two different evaluations of {each.agent_id!r} on {each.task_id!r}, trial {each.trial}",
                field="evaluations",
            )
    # In one order, so that sums of floats do not depend on who came first.
    return [found[key] for key in sorted(found)]


def totals_of(
    evaluations: Iterable[Evaluation],
    experiment: Experiment,
    agent_ids: Iterable[str] = (),
    *,
    checked: bool = False,
) -> Totals:
    """Add up what the experiment looks at. ``agent_ids`` adds agents that were never evaluated.

    ``checked``: the evaluations come from ``distinct``.
    """
    wanted, roles = frozenset(experiment.tasks), frozenset(experiment.roles)
    rows = [
        each
        for each in (evaluations if checked else distinct(evaluations))
        if each.role in roles and (not wanted or each.task_id in wanted)
    ]
    ids = tuple(sorted({*agent_ids, *(each.agent_id for each in rows)}))
    tasks = tuple(sorted(wanted or {each.task_id for each in rows}))
    agent_of = {name: i for i, name in enumerate(ids)}
    task_of = {name: i for i, name in enumerate(tasks)}
    agent = np.array([agent_of[each.agent_id] for each in rows], dtype=np.int64)
    task = np.array([task_of[each.task_id] for each in rows], dtype=np.int64)
    scored = np.array([each.score is not None for each in rows], dtype=np.bool_)
    score = np.array([each.score or 0.0 for each in rows], dtype=np.float64)
    size = len(ids)
    attempted = experiment.missing is Missing.ATTEMPTED
    counted = scored if attempted else np.ones_like(scored)
    seen = counts_by(np.unique(agent * max(len(tasks), 1) + task) // max(len(tasks), 1), size)
    untried = len(tasks) - seen
    crashed = counts_by(agent[~scored], size)
    trials = counts_by(agent[counted], size) + (0 if attempted else untried)
    grouped = _Grouped(agent, score, scored, counted, untried * (not attempted), size)
    costs: list[int | None] = [each.cost_nano for each in rows]
    known = np.array([each is not None for each in costs], dtype=np.bool_) & counted
    exact = exact_sums(
        agent[known], [each or 0 for each, k in zip(costs, known, strict=True) if k], size, "cost_nano"
    )
    return Totals(
        ids,
        trials.astype(np.int64),
        sums_by(agent[counted], score[counted], size),
        untried * (not attempted),
        (crashed + untried).astype(np.int64),
        exact,
        (_tried_tasks(agent[scored], task[scored], size) if attempted else np.full(size, len(tasks))),
        grouped.spending(costs, exact),
        grouped.spending([each.seconds for each in rows]),
        grouped.spending([each.tokens for each in rows]),
        _by_task(tasks, agent[known], task[known], score[known], [c or 0 for c in costs], known),
    )


@dataclass(frozen=True, slots=True)
class _Grouped:
    """The rows of all agents as columns, to be added up in one unit after the other."""

    agent: Ints
    score: Floats
    scored: Bools
    counted: Bools
    untried: Ints
    size: int

    def spending(self, figures: Sequence[float | None], exact: Ints | None = None) -> Spending:
        have = np.array([each is not None for each in figures], dtype=np.bool_)
        value = np.array([each or 0 for each in figures], dtype=np.float64)
        known = have & self.counted
        agent, score, value = self.agent[known], self.score[known], value[known]
        count = self._count(known)
        total = sums_by(agent, value, self.size)
        total = total if exact is None else exact.astype(np.float64)
        success = sums_by(agent, score, self.size)
        # Two passes: the variance of a million dear calls must not drown in the square of their mean.
        off = value - divide(total, count)[agent]
        other = score - divide(success, count)[agent]
        return Spending(
            count,
            self._count(self.counted & ~self.scored & ~have) + self.untried,
            self._count(self.scored & ~have),
            success,
            total,
            divide(sums_by(agent, off * off, self.size), count - 1),
            divide(sums_by(agent, off * other, self.size), count - 1),
        )

    def _count(self, mask: Bools) -> Ints:
        return counts_by(self.agent[mask], self.size)


def _tried_tasks(agent: Ints, task: Ints, size: int) -> Ints:
    width = int(task.max(initial=0)) + 1
    return counts_by(np.unique(agent * width + task) // width, size)


def _by_task(
    tasks: tuple[str, ...],
    agent: Ints,
    task: Ints,
    score: Floats,
    costs: Sequence[int],
    known: Bools,
) -> TaskSpending:
    width = max(len(tasks), 1)
    pairs, index = np.unique(agent * width + task, return_inverse=True)
    cost = np.array(costs, dtype=np.float64)[known]
    return TaskSpending(
        tasks,
        pairs // width,
        pairs % width,
        counts_by(index, len(pairs)),
        sums_by(index, score, len(pairs)),
        sums_by(index, cost, len(pairs)),
    )
