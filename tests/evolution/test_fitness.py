"""The three dimensions and their aggregates, as the source document has them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.errors import InvalidInput
from evolution.fitness import DEFAULT_WEIGHTS, Aggregate, FitnessDimensions, normalised_weights

fractions = st.floats(0, 1)


def test_the_source_documents_example_is_62_hundredths() -> None:
    assert FitnessDimensions(0.8, 0.5, 0.5).calculate_overall_fitness({}) == pytest.approx(0.62, abs=1e-15)
    assert FitnessDimensions(0.8, 0.5, 0.5).calculate_overall_fitness() == pytest.approx(0.62, abs=1e-15)


def test_a_partial_map_takes_the_defaults_and_is_normalised() -> None:
    overall = FitnessDimensions(1.0, 0.0, 0.0).overall({"effectiveness": 1.0})
    assert overall.value == pytest.approx(1 / 1.6)
    assert overall.weights == pytest.approx(
        {"effectiveness": 1 / 1.6, "efficiency": 0.3 / 1.6, "cost_efficiency": 0.3 / 1.6}
    )


@pytest.mark.parametrize(
    "weights",
    [
        {"speed": 1.0},
        {"efficiency": -0.1},
        {"efficiency": math.nan},
        {"efficiency": math.inf},
        dict.fromkeys(DEFAULT_WEIGHTS, 0.0),
    ],
)
def test_bad_weights_are_errors_that_name_them(weights: dict[str, float]) -> None:
    with pytest.raises(InvalidInput) as error:
        FitnessDimensions(0.8, 0.5, 0.5).calculate_overall_fitness(weights)
    assert (error.value.code, error.value.field) == ("INVALID", "weights")


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf])
def test_a_dimension_outside_of_0_to_1_is_an_error(value: float) -> None:
    with pytest.raises(InvalidInput):
        FitnessDimensions(0.5, value, 0.5)


def test_a_missing_dimension_is_marked_and_never_1() -> None:
    overall = FitnessDimensions(0.8, None, 0.2).overall()
    assert overall.value == pytest.approx((0.4 * 0.8 + 0.3 * 0.2) / 0.7)
    assert overall.missing == ("efficiency",)
    assert overall.incomplete
    assert "efficiency" not in overall.weights


def test_a_dimension_without_a_weight_is_not_missed() -> None:
    assert not FitnessDimensions(0.8, None, 0.2).overall({"efficiency": 0.0}).incomplete


def test_nothing_known_is_no_fitness() -> None:
    assert FitnessDimensions(None, None, None).overall().value is None
    with pytest.raises(InvalidInput):
        FitnessDimensions(None, None, None).calculate_overall_fitness()


def test_geometric_is_0_where_anything_is_0() -> None:
    assert FitnessDimensions(0.8, 0.0, 0.9).overall(aggregate=Aggregate.GEOMETRIC).value == 0
    value = FitnessDimensions(0.8, 0.5, 0.5).overall(aggregate=Aggregate.GEOMETRIC).value
    assert value == pytest.approx(0.8**0.4 * 0.5**0.6)


def test_floor_asks_for_the_lower_bound_of_effectiveness() -> None:
    good = FitnessDimensions(0.8, 0.5, 0.5)
    said: dict[str, Any] = {"aggregate": Aggregate.FLOOR, "effectiveness_floor": 0.6}
    assert good.overall(**said, effectiveness_low=0.6).value == pytest.approx(0.62)
    assert good.overall(**said, effectiveness_low=0.59).value == 0
    assert good.overall(**said).value == 0


@given(
    st.tuples(fractions, fractions, fractions),
    st.dictionaries(st.sampled_from(list(DEFAULT_WEIGHTS)), st.floats(0, 1e308)),
)
def test_fitness_lies_between_its_dimensions_and_weights_sum_to_1(
    values: tuple[float, float, float], weights: dict[str, float]
) -> None:
    if len(weights) == 3 and not any(weights.values()):
        return
    used = normalised_weights(weights)
    assert math.fsum(used.values()) == pytest.approx(1)
    for way in (Aggregate.WEIGHTED, Aggregate.GEOMETRIC):
        value = FitnessDimensions(*values).overall(weights, way).value
        assert value is not None
        assert min(values) - 1e-9 <= value <= max(values) + 1e-9


def test_huge_weights_do_not_overflow() -> None:
    assert normalised_weights(dict.fromkeys(DEFAULT_WEIGHTS, 1e308)) == pytest.approx(
        dict.fromkeys(DEFAULT_WEIGHTS, 1 / 3)
    )
