"""Cost-aware prompts: the five directives word for word; grading adds and never drops."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.errors import InvalidInput
from evolution.fitness import FitnessDimensions
from evolution.prompts import DIRECTIVES, cost_aware_prompt, quality_level

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
FIVE = [
    "You are an AI assistant operating with budget constraints. To use resources efficiently:",
    "",
    "1. Be concise in your responses - avoid unnecessary elaboration",
    "2. Use the minimum context window necessary to complete tasks",
    "3. Prioritize resource-efficient capabilities when multiple options exist",
    "4. Consider cost-benefit trade-offs for computationally expensive operations",
    "5. Notify the user when approaching budget limits",
]
dimension = st.none() | st.floats(0, 1)
fitness = st.none() | st.builds(FitnessDimensions, dimension, dimension, dimension)


def test_the_directives_are_those_of_the_requirements() -> None:
    assert DIRECTIVES.splitlines() == FIVE


def test_the_directives_stand_in_the_source_document() -> None:
    found = list(SEEDS.glob("001_*.txt"))
    if not found:
        pytest.skip("the source document 001 does not lie beside the project")
    assert DIRECTIVES in found[0].read_text(encoding="utf-8")


@given(st.floats(0, 3), st.floats(0, 3), fitness)
def test_grading_by_utilisation_adds_and_never_drops_a_line(
    a: float, b: float, known: FitnessDimensions
) -> None:
    low, high = (cost_aware_prompt(each, known).splitlines() for each in sorted((a, b)))
    assert low[:7] == high[:7] == FIVE
    assert set(low) <= set(high)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 3))
def test_lower_fitness_adds_and_never_drops_a_line(a: float, b: float, utilization: float) -> None:
    worse, better = (
        cost_aware_prompt(utilization, FitnessDimensions(each, each, each)).splitlines()
        for each in sorted((a, b))
    )
    assert set(better) <= set(worse)


@pytest.mark.parametrize(
    ("utilization", "level"),
    [
        (None, "quality first"),
        (0.0, "quality first"),
        (0.4999, "quality first"),
        (0.5, "balanced"),
        (0.8, "economical"),
        (1.0, "essential only"),
        (7.0, "essential only"),
    ],
)
def test_the_level_is_named_and_the_last_named_is_in_force(utilization: float | None, level: str) -> None:
    assert quality_level(utilization) == level
    levels = [
        line for line in cost_aware_prompt(utilization).splitlines() if line.startswith("Quality against")
    ]
    assert f": {level} - " in levels[-1]


def test_unknown_fitness_adds_nothing() -> None:
    assert cost_aware_prompt(0.1, FitnessDimensions(None, None, None)) == cost_aware_prompt(0.1)
    assert "per success" in cost_aware_prompt(0.1, FitnessDimensions(0.9, 0.9, 0.1))


@pytest.mark.parametrize("utilization", [-0.1, math.nan, math.inf])
def test_an_impossible_utilisation_is_an_error(utilization: float) -> None:
    with pytest.raises(InvalidInput):
        cost_aware_prompt(utilization)
