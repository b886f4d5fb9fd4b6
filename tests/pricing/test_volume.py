"""Volume discounts, commitments and credits: functions of a month's sums, whatever the order of charges."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import InvalidAmount, InvalidRate
from pricing.money import NANO
from pricing.steps import Semantics
from pricing.volume import (
    NO_TERMS,
    Adjustment,
    Columns,
    Commitment,
    Credit,
    LineKind,
    Measure,
    MonthSums,
    Terms,
    VolumeDiscount,
    accrued,
    columns,
    settle,
)

TIERS = ((1_000 * NANO, 50_000), (10_000 * NANO, 100_000))  # 5 % above 1,000, 10 % above 10,000


def spent(units: int, tokens: int = 0) -> MonthSums:
    return MonthSums(units * NANO, units * NANO, tokens)


@pytest.mark.parametrize(
    ("units", "graduated", "cliff"),
    [(0, 0, 0), (1_000, 0, 0), (1_100, 5, 55), (10_000, 450, 500), (10_100, 460, 1_010)],
)
def test_tiers_of_spend_are_graduated_or_cliffs(units: int, graduated: int, cliff: int) -> None:
    one, other = VolumeDiscount("g", TIERS), VolumeDiscount("c", TIERS, semantics=Semantics.CLIFF)
    assert one.discount_nano(spent(units)) == graduated * NANO
    assert other.discount_nano(spent(units)) == cliff * NANO


def test_tiers_of_tokens_take_the_spend_to_be_spread_over_them() -> None:
    tiers = ((1_000_000, 200_000),)
    graduated = VolumeDiscount("t", tiers, Measure.TOKENS)
    cliff = VolumeDiscount("t", tiers, Measure.TOKENS, Semantics.CLIFF)
    assert graduated.discount_nano(spent(100, 1_000_000)) == 0
    assert graduated.discount_nano(spent(100, 2_000_000)) == 10 * NANO
    assert cliff.discount_nano(spent(100, 2_000_000)) == 20 * NANO
    assert graduated.discount_nano(spent(100)) == 0


def test_of_several_discounts_the_best_one_counts() -> None:
    terms = Terms([VolumeDiscount("small", ((0, 10_000),)), VolumeDiscount("large", ((0, 30_000),))])
    assert settle(terms, spent(100)) == [Adjustment(LineKind.VOLUME_DISCOUNT, "large", -3 * NANO, -3 * NANO)]


def test_a_commitment_is_billed_once_and_covers_what_is_used() -> None:
    terms = Terms(commitments=[Commitment("c", 100 * NANO)])
    running = settle(terms, spent(60))
    assert columns(spent(60), running) == Columns(60 * NANO, 60 * NANO, 60 * NANO, 100 * NANO)
    closed = settle(terms, spent(60), closed=True)
    assert closed[-1] == Adjustment(LineKind.COMMITMENT_UNUSED, "c", 40 * NANO, 0)
    assert columns(spent(60), closed) == Columns(60 * NANO, 60 * NANO, 100 * NANO, 100 * NANO)
    over = settle(terms, spent(150), closed=True)
    assert columns(spent(150), over) == Columns(150 * NANO, 150 * NANO, 150 * NANO, 150 * NANO)


def test_credits_are_off_what_no_commitment_covers_until_they_are_used_up() -> None:
    terms = Terms(commitments=[Commitment("c", 100 * NANO)], credits=[Credit("k", 30 * NANO, 10 * NANO)])
    assert [line.kind for line in settle(terms, spent(90))][-1] is LineKind.COMMITMENT_COVERED
    assert settle(terms, spent(110))[-1] == Adjustment(LineKind.CREDIT, "k", -10 * NANO, -10 * NANO)
    assert settle(terms, spent(999))[-1] == Adjustment(LineKind.CREDIT, "k", -20 * NANO, -20 * NANO)


def test_the_order_is_contract_then_volume_then_commitment_then_credit() -> None:
    terms = Terms(
        [VolumeDiscount("v", ((0, 100_000),))], [Commitment("c", 50 * NANO)], [Credit("k", 500 * NANO)]
    )
    sums = MonthSums(list_nano=120 * NANO, contracted_nano=100 * NANO)
    lines = settle(terms, sums, closed=True)
    assert [(line.kind, line.billed_nano // NANO) for line in lines] == [
        (LineKind.VOLUME_DISCOUNT, -10),
        (LineKind.COMMITMENT_PURCHASE, 50),
        (LineKind.COMMITMENT_COVERED, -50),
        (LineKind.CREDIT, -40),
    ]
    assert columns(sums, lines) == Columns(120 * NANO, 100 * NANO, 50 * NANO, 50 * NANO)


def test_without_terms_contracted_effective_and_billed_are_one() -> None:
    assert settle(NO_TERMS, spent(7), closed=True) == []
    assert columns(spent(7), []) == Columns(7 * NANO, 7 * NANO, 7 * NANO, 7 * NANO)


def test_a_month_of_refunds_has_no_discount() -> None:
    terms = Terms([VolumeDiscount("v", ((0, 100_000),))], [Commitment("c", NANO)], [Credit("k", NANO)])
    refunds = MonthSums(-5 * NANO, -5 * NANO, 0)
    assert [line.kind for line in settle(terms, refunds)] == [LineKind.COMMITMENT_PURCHASE]


def test_terms_that_cannot_be_are_errors() -> None:
    with pytest.raises(InvalidRate, match="1000001 ppm above 5"):
        VolumeDiscount("v", ((5, 1_000_001),))
    with pytest.raises(InvalidRate, match="4 comes after 5"):
        VolumeDiscount("v", ((5, 1), (4, 2)))
    with pytest.raises(InvalidAmount, match=r"commitment \(-1\)"):
        Commitment("c", -1)
    with pytest.raises(InvalidAmount, match=r"used \(6\) must be 0 to the credit's amount \(5\)"):
        Credit("k", 5, 6)


amounts = st.integers(0, 10**15)
discounts = st.builds(
    VolumeDiscount,
    st.uuids().map(str),
    st.lists(st.integers(1, 10**15), max_size=3, unique=True).map(
        lambda edges: tuple((edge, 10_000 * (n + 1)) for n, edge in enumerate(sorted(edges)))
    ),
    st.sampled_from(Measure),
    st.sampled_from(Semantics),
)
terms = st.builds(
    Terms,
    st.lists(discounts, max_size=2),
    st.lists(st.builds(Commitment, st.uuids().map(str), amounts), max_size=2),
    st.lists(st.builds(Credit, st.uuids().map(str), amounts), max_size=2),
)
charges = st.lists(st.builds(MonthSums, amounts, amounts, st.integers(0, 10**9)), max_size=6)


def add(one: MonthSums, other: MonthSums) -> MonthSums:
    return MonthSums(*map(int.__add__, one, other))


@given(terms, charges)
def test_accruals_add_up_to_the_month_s_lines(agreed: Terms, each: list[MonthSums]) -> None:
    states = list(accumulate(each, add, initial=MonthSums()))
    parts = [line for before, after in pairwise(states) for line in accrued(agreed, before, after)]
    start = settle(agreed, states[0])
    whole = settle(agreed, states[-1])
    assert columns(states[-1], [*start, *parts]) == columns(states[-1], whole)


@given(terms, charges)
def test_a_closed_month_is_billed_what_it_effectively_cost(agreed: Terms, each: list[MonthSums]) -> None:
    sums = list(accumulate(each, add, initial=MonthSums()))[-1]
    found = columns(sums, settle(agreed, sums, closed=True))
    assert found.effective_nano == found.billed_nano >= 0
    committed = sum(commitment.amount_nano for commitment in agreed.commitments)
    assert found.billed_nano <= max(sums.contracted_nano, committed)
    assert found.billed_nano >= committed
