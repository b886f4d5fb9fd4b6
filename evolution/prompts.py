"""Cost-aware system prompts: the five directives of the source document (001:248-256), word for word.

Graded by utilisation and fitness: each grade adds lines and none drops one, so the text at a higher
utilisation holds every line of the text at a lower one.
"""

import math
from typing import Final

from evolution.errors import InvalidInput
from evolution.fitness import FitnessDimensions

DIRECTIVES: Final = (
    "You are an AI assistant operating with budget constraints. To use resources efficiently:\n"
    "\n"
    "1. Be concise in your responses - avoid unnecessary elaboration\n"
    "2. Use the minimum context window necessary to complete tasks\n"
    "3. Prioritize resource-efficient capabilities when multiple options exist\n"
    "4. Consider cost-benefit trade-offs for computationally expensive operations\n"
    "5. Notify the user when approaching budget limits"
)
LEVELS: Final = (
    (0.0, "quality first", "cost decides only between answers of equal quality."),
    (0.5, "balanced", "prefer the cheaper way wherever the loss of quality is small."),
    (
        0.8,
        "economical",
        "tell the user that the budget is nearly used; do what is asked and nothing beside it.",
    ),
    (
        1.0,
        "essential only",
        "the budget is used up; tell the user, and finish only what cannot be left open.",
    ),
)
"""(from this utilisation on, the quality-against-cost level, what it means)"""
LOW: Final = 0.5
"""Below ½ a dimension is worse than the experiment's reference: that is where half-saturation puts it."""
ADVICE: Final = (
    (
        "cost_efficiency",
        "Your cost per success is above the reference: choose cheaper models and fewer calls.",
    ),
    (
        "efficiency",
        "You use more time or tokens per success than the reference: plan first, and repeat no step.",
    ),
    (
        "effectiveness",
        "You succeed in less than half of your tasks: a failure costs as much as a success, so check first.",
    ),
)
"""(dimension, what is added where it is below ``LOW``)"""


def quality_level(utilization: float | None) -> str:
    """The name of the quality-against-cost level; without a limit (None) it is the first."""
    return next(name for start, name, _ in reversed(LEVELS) if _checked(utilization) >= start)


def cost_aware_prompt(utilization: float | None = None, fitness: FitnessDimensions | None = None) -> str:
    """The directives, then a line per level that utilisation (spent / amount) reached, then advice.

    The last level named is the one in force. Unknown dimensions add nothing.
    """
    reached = _checked(utilization)
    lines = [
        f"Quality against cost from {start:.0%} of the budget on: {name} - {meaning}"
        for start, name, meaning in LEVELS
        if reached >= start
    ]
    for dimension, advice in ADVICE:
        value = None if fitness is None else getattr(fitness, dimension)
        if value is not None and value < LOW:
            lines.append(advice)
    return "\n".join((DIRECTIVES, "", *lines))


def _checked(utilization: float | None) -> float:
    if utilization is None:
        return 0.0
    if not (math.isfinite(utilization) and utilization >= 0):
        raise InvalidInput(f"utilization ({utilization}) must be finite and at least 0", field="utilization")
    return utilization
