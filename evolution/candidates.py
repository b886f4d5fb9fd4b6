"""From evaluations to what selectors and budgets look at: candidates and offers, by agent id.

Both read the same sums as the scores do, under the same experiment.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

from evolution.budgeted import Offer
from evolution.checks import NANO_MAX
from evolution.clades import clade_report
from evolution.errors import InvalidInput
from evolution.fitness import FitnessDimensions
from evolution.intervals import Interval
from evolution.lineage import Lineage
from evolution.records import Evaluation, Experiment
from evolution.scoring import AgentFitness, fitness_of
from evolution.selectors.base import Candidate
from evolution.totals import Totals, distinct, totals_of


def candidates_of(
    evaluations: Iterable[Evaluation], experiment: Experiment, lineage: Lineage | None = None
) -> list[Candidate]:
    """Everybody as a candidate: fitness, effectiveness, mean cost per evaluation, mean score per task.

    With a lineage everybody in it, and the figures of its clade; one with an unknown cost has no ``spent``.
    A task that an agent has no score for is a case of 0.
    """
    rows = distinct(evaluations)
    ids = () if lineage is None else lineage.ids
    totals = totals_of(rows, experiment, ids, checked=True)
    clades = (
        {} if lineage is None else {c.agent_id: c for c in clade_report(lineage, rows, experiment).clades}
    )
    cases = _cases(rows, totals, experiment)
    found: list[Candidate] = []
    for each, cost in zip(fitness_of(totals, experiment), _mean_costs(totals), strict=True):
        clade = clades.get(each.agent_id)
        found.append(
            Candidate(
                each.agent_id,
                each.overall.value,
                each.dimensions.effectiveness,
                cost,
                cases[each.agent_id],
                None if clade is None else clade.successes,
                None if clade is None else clade.trials - clade.successes,
                None if clade is None or clade.unknown_costs else float(clade.cost_nano),
            )
        )
    return found


def offers_of(
    evaluations: Iterable[Evaluation],
    experiment: Experiment,
    ahead: int,
    *,
    quantile: float | None = None,
    clades: Mapping[str, str] | None = None,
) -> list[Offer]:
    """What each agent offers for ``ahead`` further evaluations: fitness at its lower bound, for their cost.

    The cost is the expected one, or with ``quantile`` (.9 for p90) that of the sum of so many, as a normal
    with the agent's own variance; both rounded up. None where a cost is unknown, or one cost alone is known
    and a quantile is asked for. ``clades`` names the clade of each agent, for a cap.
    """
    if ahead < 1 or (quantile is not None and not 0 < quantile < 1):
        raise InvalidInput("ahead must be at least 1, quantile between 0 and 1", field="ahead")
    totals = totals_of(evaluations, experiment)
    z = 0.0 if quantile is None else NormalDist().inv_cdf(quantile)
    found: list[Offer] = []
    fitness = fitness_of(totals, experiment)
    for each, mean, variance in zip(fitness, _mean_costs(totals), totals.cost.variance.tolist(), strict=True):
        future = None if mean is None else mean * ahead
        if future is not None and quantile is not None:
            future = None if math.isnan(variance) else future + z * math.sqrt(variance * ahead)
        cost_nano = None if future is None else max(math.ceil(future), 0)
        if cost_nano is not None and cost_nano > NANO_MAX:
            raise InvalidInput(f"the future cost of {each.agent_id!r} is past 64 bits", field="ahead")
        found.append(
            Offer(
                each.agent_id, lower_fitness(each, experiment), cost_nano, (clades or {}).get(each.agent_id)
            )
        )
    return found


def lower_fitness(fitness: AgentFitness, experiment: Experiment) -> float:
    """The aggregate of the lower confidence bounds; 0 where nothing is known.

    A dimension without an interval counts 0 after one evaluation, and as it is where its normalisation has
    none (``frontier``, ``per_task``).
    """
    known = fitness.dimensions
    low = FitnessDimensions(
        _low(known.effectiveness, fitness.effectiveness_interval, fitness.trials),
        _low(known.efficiency, fitness.efficiency_interval, fitness.trials),
        _low(known.cost_efficiency, fitness.cost_efficiency_interval, fitness.trials),
    )
    overall = low.overall(
        experiment.weights,
        experiment.aggregate,
        effectiveness_low=low.effectiveness,
        effectiveness_floor=experiment.effectiveness_floor,
    )
    return overall.value or 0.0


def _low(value: float | None, interval: Interval | None, trials: int) -> float | None:
    if value is None:
        return None
    if interval is not None:
        return interval.low
    return value if trials > 1 else 0.0


def _mean_costs(totals: Totals) -> list[float | None]:
    return [
        None if unknown or math.isnan(mean) else mean
        for mean, unknown in zip(totals.cost.mean.tolist(), totals.cost.unknown.tolist(), strict=True)
    ]


def _cases(
    rows: Sequence[Evaluation], totals: Totals, experiment: Experiment
) -> dict[str, tuple[float, ...]]:
    tasks = {name: i for i, name in enumerate(totals.by_task.tasks)}
    sums = {name: [0.0] * len(tasks) for name in totals.agent_ids}
    counts = {name: [0] * len(tasks) for name in totals.agent_ids}
    for each in rows:
        if each.task_id in tasks and each.role in experiment.roles:
            sums[each.agent_id][tasks[each.task_id]] += each.score or 0.0
            counts[each.agent_id][tasks[each.task_id]] += 1
    return {
        name: tuple(total / max(count, 1) for total, count in zip(sums[name], counts[name], strict=True))
        for name in totals.agent_ids
    }
