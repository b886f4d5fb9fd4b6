"""Does the order of agents depend on how cost was normalised? Kendall's tau between all four ways."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from evolution.records import Evaluation, Experiment, Normalisation
from evolution.scoring import fitness_of
from evolution.totals import totals_of


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two normalisations rank alike."""

    left: Normalisation
    right: Normalisation
    tau: float | None
    """Kendall's tau-b of overall fitness, -1 to 1; None where one of them ranks nobody above anybody."""
    top_overlap: float
    """The share of the best k that both agree on."""


@dataclass(frozen=True, slots=True)
class Stability:
    """Agreement of every pair of normalisations, and how many agents were compared."""

    agents: int
    top: int
    pairs: tuple[Agreement, ...]

    @property
    def weakest(self) -> Agreement:
        """The pair that agrees least: where it is low, an order tells of the choice, not of agents."""
        return min(self.pairs, key=lambda pair: -2.0 if pair.tau is None else pair.tau)


def rank_stability(evaluations: Iterable[Evaluation], experiment: Experiment, top: int = 10) -> Stability:
    """Compare the rankings over agents whose fitness is known. ``top`` is cut to their number."""
    from scipy.stats import kendalltau  # noqa: PLC0415 - half a second that only this report is worth

    totals = totals_of(evaluations, experiment)
    values: dict[Normalisation, dict[str, float]] = {}
    for way in Normalisation:
        found = fitness_of(totals, replace(experiment, normalisation=way))
        values[way] = {each.agent_id: each.overall.value for each in found if each.overall.value is not None}
    ids = [name for name in totals.agent_ids if all(name in each for each in values.values())]
    best = {
        way: set(sorted(ids, key=lambda name: (-known[name], name))[:top]) for way, known in values.items()
    }
    count = min(top, len(ids))
    pairs: list[Agreement] = []
    for left, right in combinations(Normalisation, 2):
        x, y = [values[left][name] for name in ids], [values[right][name] for name in ids]
        tau = kendalltau(x, y).statistic if len(set(x)) > 1 and len(set(y)) > 1 else math.nan
        shared = len(best[left] & best[right]) / count if count else 1.0
        pairs.append(Agreement(left, right, None if math.isnan(tau) else float(tau), shared))
    return Stability(len(ids), count, tuple(pairs))
