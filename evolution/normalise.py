"""From money per success to a number in [0, 1], four ways. Element by element; infinite cost of pass is 0.

==================  =====================================================  =======================
half_saturation     c0 / (c0 + CoP)                                        others do not matter
log                 ½ - log10(CoP / c0) / 4, cut to [0, 1]                 others do not matter
frontier            the cheapest cost of anybody as effective / own cost   relative to the others
per_task            mean over tasks of s / (s + c / c0 of the task)        others do not matter
==================  =====================================================  =======================

Multiplying all money and c0 by one factor changes nothing in any of them.
"""

from typing import Final

import numpy as np

from evolution.arrays import Floats, Ints, sums_by

DECADES: Final = 2.0
"""``log`` reaches 1 at a hundredth of the reference and 0 at a hundredfold."""


def half_saturation(ratio: Floats) -> Floats:
    """1 / (1 + CoP / c0): ½ at the reference, .667 at half of it. ``ratio`` is CoP / c0."""
    return 1 / (1 + ratio)


def log(ratio: Floats) -> Floats:
    """½ at the reference, then linear in the logarithm, cut off two decades away."""
    with np.errstate(divide="ignore"):
        return np.clip(0.5 - np.log10(ratio) / (2 * DECADES), 0.0, 1.0)


def frontier(effectiveness: Floats, cost: Floats) -> Floats:
    """The least cost among agents at least as effective, over the own cost (free disposal hull).

    0 without a success; NaN rows (unknown) stay NaN and are nobody's standard. Costs per evaluation.
    """
    result = np.full(effectiveness.shape, np.nan)
    known = np.flatnonzero(~np.isnan(effectiveness) & ~np.isnan(cost))
    order = known[np.lexsort((cost[known], -effectiveness[known]))]
    # From the most effective down, the least cost so far; equally effective ones see the cheapest among them.
    least = np.minimum.accumulate(cost[order])
    own = cost[order]
    value = np.where(own > 0, least / np.where(own > 0, own, 1.0), 1.0)
    result[order] = np.where(effectiveness[order] > 0, value, 0.0)
    return result


def per_task(successes: Floats, ratio: Floats, rows: Ints, tasks: Ints) -> Floats:
    """Mean over each agent's tasks of s / (s + c/c0): a cheap easy task cannot hide a dear hard one.

    One element per (agent, task): summed ``successes``, summed cost over the task's c0 as ``ratio``, the
    agent's ``rows``. ``tasks`` is each agent's denominator; tasks without an element count 0.
    """
    parts = np.zeros_like(successes)
    np.divide(successes, successes + ratio, out=parts, where=successes > 0)
    sums = sums_by(rows, parts, len(tasks))
    result = np.full(len(tasks), np.nan)
    np.divide(sums, tasks, out=result, where=tasks > 0)
    return result
