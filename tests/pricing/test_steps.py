"""Steps: cliffs and graduated rates, per call and per month."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import InvalidRate
from pricing.steps import Basis, Part, Semantics, Steps

FIVE_THEN_THREE = [(0, Fraction(5)), (100, Fraction(3))]


def test_graduated_steps_price_each_part_at_its_own_rate() -> None:
    steps = Steps.of(FIVE_THEN_THREE)
    assert [steps.cost(n) for n in (0, 1, 100, 101, 150)] == [0, 5, 500, 503, 650]
    assert steps.parts(150) == [Part(100, Fraction(5), 0), Part(50, Fraction(3), 1)]


def test_a_cliff_reprices_the_whole_quantity_once_it_is_passed() -> None:
    steps = Steps.of(FIVE_THEN_THREE, Semantics.CLIFF)
    assert [steps.cost(n) for n in (1, 100, 101, 150)] == [5, 500, 303, 450]


def test_a_free_allowance_is_a_first_step_at_nothing_that_the_month_uses_up() -> None:
    free = Steps.of([(0, Fraction(0)), (100, Fraction(9))], basis=Basis.MONTH)
    assert free.cost(100) == 0
    assert free.cost(100, before=50) == 50 * 9
    assert free.cost(10, before=100) == 90
    assert free.cost(10, before=1000) == 90


def test_by_call_nothing_before_matters() -> None:
    assert Steps.of(FIVE_THEN_THREE).cost(100, before=100) == 500


def test_a_monthly_cliff_takes_the_step_that_the_month_reaches() -> None:
    steps = Steps.of(FIVE_THEN_THREE, Semantics.CLIFF, Basis.MONTH)
    assert steps.cost(10, before=90) == 50
    assert steps.cost(11, before=90) == 33


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "must begin at 0"),
        ([(1, Fraction(5))], "must begin at 0, not at 1"),
        ([(0, Fraction(5)), (9, Fraction(4)), (9, Fraction(3))], "9 comes after 9"),
        ([(0, Fraction(-5))], "must not be negative: -5"),
    ],
)
def test_steps_that_cannot_be_are_errors(steps: list[tuple[int, Fraction]], message: str) -> None:
    with pytest.raises(InvalidRate, match=message):
        Steps.of(steps)


def test_long_context_prices_are_cliffs() -> None:
    with pytest.raises(InvalidRate, match="are cliffs"):
        Steps.of(FIVE_THEN_THREE, Semantics.GRADUATED, Basis.PROMPT)


rates = st.builds(Fraction, st.integers(0, 1000), st.integers(1, 7))
edges = st.lists(st.integers(1, 1000), max_size=4, unique=True).map(sorted)


@st.composite
def monthly(draw: st.DrawFn) -> Steps:
    above = [0, *draw(edges)]
    return Steps.of([(edge, draw(rates)) for edge in above], basis=Basis.MONTH)


@given(monthly(), st.lists(st.integers(0, 2000), min_size=1, max_size=6))
def test_a_graduated_month_costs_the_same_however_it_is_split(steps: Steps, pieces: list[int]) -> None:
    before = [sum(pieces[:n]) for n in range(len(pieces))]
    split = sum(steps.cost(piece, used) for piece, used in zip(pieces, before, strict=True))
    assert split == steps.cost(sum(pieces))


@given(monthly(), st.integers(0, 3000), st.integers(0, 3000))
def test_the_parts_are_the_whole_and_lie_in_order(steps: Steps, quantity: int, before: int) -> None:
    parts = steps.parts(quantity, before)
    assert sum(part.quantity for part in parts) == quantity
    assert all(part.quantity > 0 for part in parts)
    assert all(left.step < right.step for left, right in pairwise(parts))
    assert steps.cost(quantity, before) >= 0
