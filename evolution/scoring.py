"""Evaluations → fitness: three dimensions per agent, each with its interval, and their aggregate.

n evaluations, S = sum of scores, K = all their cost, failures included; p = S/n; cost of pass CoP = K/S.
Effectiveness is p. Cost efficiency is c0/(c0 + CoP) = p/(p + c̄/c0): halving CoP from c0 moves .5 to .667.
Efficiency is the same with seconds or tokens and a reference of its own.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from evolution import normalise
from evolution.arrays import Bools, Floats, divide, quantile_of, sums_by
from evolution.errors import InvalidInput
from evolution.fitness import FitnessDimensions, Overall
from evolution.intervals import Interval, log_ratio_sd, smoothed_rate, wilson_bounds
from evolution.records import EfficiencyBy, Evaluation, Experiment, Missing, Normalisation, UnknownCost
from evolution.totals import Spending, Totals, totals_of


@dataclass(frozen=True, slots=True)
class AgentFitness:
    """What is known of one agent. None is unknown; money in nano-units of the experiment's currency."""

    agent_id: str
    dimensions: FitnessDimensions
    overall: Overall
    effectiveness_interval: Interval | None
    efficiency_interval: Interval | None
    cost_efficiency_interval: Interval | None
    cost_of_pass: float | None
    """Per success; None where cost is unknown or there was no success."""
    smoothed_cost_of_pass: float | None
    """c̄ (n + 1)/(S + ½): finite without a success, too."""
    cost_of_pass_interval: Interval | None
    trials: int
    successes: float
    cost_nano: int
    """All that is known to have been spent, exactly."""
    missing: int
    unknown_costs: int

    @property
    def incomplete(self) -> bool:
        """Whether something that should count was not known."""
        return bool(self.overall.incomplete or self.missing or self.unknown_costs)


def score(
    evaluations: Iterable[Evaluation], experiment: Experiment, agent_ids: Iterable[str] = ()
) -> list[AgentFitness]:
    """The fitness of every agent, by id. ``agent_ids`` adds agents that were never evaluated.

    Raises ``InvalidInput`` while the experiment's ``c0_nano`` is neither declared nor frozen.
    """
    return fitness_of(totals_of(evaluations, experiment, agent_ids), experiment)


def freeze(experiment: Experiment, evaluations: Iterable[Evaluation], founders: Iterable[str]) -> Experiment:
    """The experiment with its references set, where they are not yet, from the founders (generation 0).

    c0 is the median of their costs of pass, smoothed where one has no success; seconds and tokens alike.
    Raises ``InvalidInput`` when no founder has a known cost above 0: declare ``c0_nano`` then.
    """
    names = frozenset(founders)
    totals = totals_of((each for each in evaluations if each.agent_id in names), experiment, names)
    c0 = experiment.c0_nano
    if c0 is None:
        median = _reference(totals.cost)
        if median is None or round(median) < 1:
            raise InvalidInput("no founder has a known cost: declare c0_nano", field="c0_nano")
        c0 = round(median)
    return replace(
        experiment,
        c0_nano=c0,
        reference_seconds=experiment.reference_seconds or _reference(totals.seconds),
        reference_tokens=experiment.reference_tokens or _reference(totals.tokens),
        task_c0_nano=experiment.task_c0_nano or _task_references(totals, c0),
    )


def _reference(spending: Spending) -> float | None:
    trusted = (spending.known > 0) & (spending.unknown == 0)
    smoothed = divide(spending.mean, smoothed_rate(spending.successes, spending.trials))
    values = np.where(spending.successes > 0, spending.per_success, smoothed)[trusted]
    return float(np.median(values)) if len(values) and np.median(values) > 0 else None


def _task_references(totals: Totals, c0_nano: int) -> dict[str, int]:
    """c0 scaled by what a task costs relative to the mean of all tasks: hard tasks may cost more."""
    by, count = totals.by_task, len(totals.by_task.tasks)
    mean = divide(
        sums_by(by.task, by.cost, count),
        sums_by(by.task, by.trials.astype(np.float64), count),
    )
    known = mean[~np.isnan(mean)]
    overall = float(known.mean()) if len(known) else 0.0
    return {
        name: max(round(c0_nano * value / overall), 1)
        for name, value in zip(by.tasks, mean.tolist(), strict=True)
        if overall > 0 and not math.isnan(value)
    }


def fitness_of(totals: Totals, experiment: Experiment) -> list[AgentFitness]:
    """As ``score``, from sums that were made before."""
    if experiment.c0_nano is None:
        raise InvalidInput("c0_nano is neither declared nor frozen from generation 0", field="c0_nano")
    withheld = (totals.missing > 0) & (experiment.missing is Missing.WITHHELD)
    z = quantile_of(experiment.confidence)
    effectiveness = np.where(withheld, np.nan, divide(totals.successes, totals.trials))
    low, high = wilson_bounds(totals.successes, totals.trials, experiment.confidence)
    priced_only = experiment.unknown_cost is UnknownCost.PRICED_ONLY
    cost = _Ratio.of(totals.cost, withheld, float(experiment.c0_nano), z, partial=priced_only)
    by_seconds = experiment.efficiency_by is EfficiencyBy.SECONDS
    time = _Ratio.of(
        totals.seconds if by_seconds else totals.tokens,
        withheld,
        experiment.reference_seconds if by_seconds else experiment.reference_tokens,
        z,
    )
    value = _cost_efficiency(totals, cost, experiment)
    same = experiment.normalisation in {Normalisation.HALF_SATURATION, Normalisation.LOG}
    squash = normalise.log if experiment.normalisation is Normalisation.LOG else normalise.half_saturation
    ends = cost.bounds(squash, value) if same else (np.full_like(value, np.nan),) * 2
    quick = normalise.half_saturation(time.ratio)
    columns = zip(
        totals.agent_ids,
        *(_plain(each) for each in (effectiveness, quick, value, low, high)),
        *(_plain(each) for each in (*time.bounds(normalise.half_saturation, quick), *ends)),
        *(_plain(each) for each in (cost.per_success, cost.smoothed, cost.low, cost.high)),
        totals.trials.tolist(),
        totals.successes.tolist(),
        totals.cost_nano.tolist(),
        totals.missing.tolist(),
        totals.cost.unknown.tolist(),
        strict=True,
    )
    return [_record(experiment, *each) for each in columns]


def _record(  # noqa: PLR0917 - the columns of one row
    experiment: Experiment,
    agent_id: str,
    effectiveness: float | None,
    efficiency: float | None,
    cost_efficiency: float | None,
    low: float | None,
    high: float | None,
    quick_low: float | None,
    quick_high: float | None,
    cheap_low: float | None,
    cheap_high: float | None,
    cost_of_pass: float | None,
    smoothed: float | None,
    cost_low: float | None,
    cost_high: float | None,
    trials: int,
    successes: float,
    cost_nano: int,
    missing: int,
    unknown: int,
) -> AgentFitness:
    dimensions = FitnessDimensions(effectiveness, efficiency, cost_efficiency)
    overall = dimensions.overall(
        experiment.weights,
        experiment.aggregate,
        effectiveness_low=low,
        effectiveness_floor=experiment.effectiveness_floor,
    )
    return AgentFitness(
        agent_id,
        dimensions,
        overall,
        None if effectiveness is None else _interval(low, high),
        _interval(quick_low, quick_high),
        _interval(cheap_low, cheap_high),
        cost_of_pass,
        smoothed,
        _interval(cost_low, cost_high),
        trials,
        successes,
        cost_nano,
        missing,
        unknown,
    )


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Spending per success, over its reference, with its interval. NaN is unknown."""

    per_success: Floats
    smoothed: Floats
    low: Floats
    high: Floats
    reference: float

    @classmethod
    def of(
        cls, spending: Spending, withheld: Bools, reference: float | None, z: float, *, partial: bool = False
    ) -> "_Ratio":
        """``partial``: what is known speaks for what is not."""
        unknown = withheld | (spending.known == 0) | ((spending.unknown > 0) & (not partial))
        rate = smoothed_rate(spending.successes, spending.trials)
        sd = log_ratio_sd(
            mean=spending.mean,
            variance=spending.variance,
            covariance=spending.covariance,
            known=spending.known,
            rate=rate,
            trials=spending.trials,
        )
        smoothed = np.where(unknown, np.nan, spending.mean / rate)
        return cls(
            np.where(unknown, np.nan, spending.per_success),
            smoothed,
            smoothed * np.exp(-z * sd),
            smoothed * np.exp(z * sd),
            math.nan if reference is None else reference,
        )

    @property
    def ratio(self) -> Floats:
        return self.per_success / self.reference

    def bounds(self, squash: Callable[[Floats], Floats], value: Floats) -> tuple[Floats, Floats]:
        """The interval of the squashed value; it holds the value itself (which is not smoothed)."""
        low, high = squash(self.high / self.reference), squash(self.low / self.reference)
        return np.minimum(low, value), np.maximum(high, value)


def _cost_efficiency(totals: Totals, cost: _Ratio, experiment: Experiment) -> Floats:
    match experiment.normalisation:
        case Normalisation.HALF_SATURATION:
            return normalise.half_saturation(cost.ratio)
        case Normalisation.LOG:
            return normalise.log(cost.ratio)
        case Normalisation.FRONTIER:
            rate = divide(totals.cost.successes, totals.cost.trials)
            return normalise.frontier(np.where(np.isnan(cost.smoothed), np.nan, rate), totals.cost.mean)
        case Normalisation.PER_TASK:
            by = totals.by_task
            references = np.array(
                [experiment.task_c0_nano.get(name, experiment.c0_nano) for name in by.tasks],
                dtype=np.float64,
            )
            value = normalise.per_task(by.successes, by.cost / references[by.task], by.agent, totals.tasks)
            return np.where(np.isnan(cost.smoothed), np.nan, value)


def _plain(values: Floats) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)
