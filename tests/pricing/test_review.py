"""New prices that jump are held, and what held before goes on."""

from decimal import Decimal
from fractions import Fraction

import pytest

from pricing.book import Book
from pricing.cards import MILLION, RateCard, RateLine
from pricing.errors import InvalidRate
from pricing.modes import Mode
from pricing.rates import Card
from pricing.review import Jump, Verdict, review


def card(price: str, completion: str = "10", currency: str = "USD", batch: str = "1") -> Card:
    lines = (
        RateLine("uncached", Decimal(price), MILLION, ()),
        RateLine("completion", Decimal(completion), MILLION),
    )
    halves = (RateLine("uncached", Decimal(batch), MILLION),)
    cards = [
        RateCard("s", "p", "m", lines, "import", currency=currency),
        RateCard("b", "p", "m", halves, "import", currency=currency, mode=Mode.BATCH),
    ]
    found = Book(cards).find("p", "m", 0)
    assert found is not None
    return found


BEFORE = {"p/m": card("2")}


@pytest.mark.parametrize("price", ["2", "6", "0.6666667", "1"])
def test_changes_within_the_factor_hold_at_once(price: str) -> None:
    found = review(BEFORE, {"p/m": card(price)})
    assert (found.jumps, found.held, found.kept) == ((), {}, {})
    assert found.current() == {"p/m": card(price)}


@pytest.mark.parametrize(
    ("price", "verdict"),
    [
        ("6.000001", Verdict.ROSE),
        ("0.666666", Verdict.FELL),
        ("0", Verdict.BECAME_FREE),
        ("2000000", Verdict.ROSE),
    ],
)
def test_a_jump_is_held_and_the_price_before_goes_on(price: str, verdict: Verdict) -> None:
    found = review(BEFORE, {"p/m": card(price)})
    assert {(jump.unit, jump.verdict) for jump in found.jumps} >= {("uncached", verdict)}
    assert found.accepted == {}
    assert found.current() == BEFORE
    assert found.held == {"p/m": card(price)}


def test_what_was_free_and_is_not_any_more_is_held() -> None:
    (jump,) = [
        each for each in review({"p/m": card("0")}, {"p/m": card("1")}).jumps if each.unit == "uncached"
    ]
    assert jump == Jump("p/m", "uncached", Fraction(0), Fraction(1000), Verdict.NO_LONGER_FREE)


def test_modes_and_currencies_are_looked_at() -> None:
    batch = review(BEFORE, {"p/m": card("2", batch="9")})
    assert {jump.verdict for jump in batch.jumps} == {Verdict.ROSE}
    (jump,) = review(BEFORE, {"p/m": card("2", currency="EUR")}).jumps
    assert jump.verdict is Verdict.CURRENCY


def test_new_models_hold_and_vanished_ones_keep_their_last_price() -> None:
    found = review(BEFORE, {"p/new": card("999")})
    assert found.current() == {**BEFORE, "p/new": card("999")}


def test_a_factor_that_makes_no_sense_is_an_error() -> None:
    with pytest.raises(InvalidRate, match="a factor of 1 would hold everything"):
        review({}, {}, Fraction(1))
