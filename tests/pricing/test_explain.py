"""Explanations: computed apart from the quote, and equal to it to the nano-unit."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import Book, PriceBook
from pricing.calendar import date_day, from_datetime
from pricing.cards import EVERY, MILLION, RateCard, RateLine
from pricing.catalogue import load_catalogue
from pricing.currency import ExchangeRate, ExchangeRates, charge_in
from pricing.explain import Component, Explanation, explain
from pricing.modes import Mode
from pricing.money import NANO
from pricing.quote import MonthToDate, Pricer, Pricing, PricingRequest
from pricing.rates import REQUEST
from pricing.resources import default_cards, transferred
from pricing.steps import Basis
from pricing.units import TokenCounts

CATALOGUE = load_catalogue()
NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
CONTRACT = RateCard(
    "acme-2026", "openai", "gpt-4o",
    (RateLine("uncached", Decimal(2), MILLION), RateLine("completion", discount_ppm=100_000)),
    "contract", valid_from_us=from_datetime(datetime(2026, 1, 1, tzinfo=UTC)), fee_ppm=50_000, author="ada",
)  # fmt: skip
BOOK = PriceBook([CATALOGUE, Book(default_cards())], contracts={"acme": [CONTRACT]})


def request(
    counts: TokenCounts, model: str = "gpt-4o", provider: str = "openai", mode: Mode = Mode.STANDARD
) -> PricingRequest:
    return PricingRequest(NOW_US, provider, model, counts, mode=mode)


def adds_up(told: Explanation) -> bool:
    """Whether terms, roundings and fee are the quote's total."""
    exact = sum(term.exact_nano for term in told.terms)
    rounded = exact + sum(each.difference_nano for each in told.roundings)
    return rounded + told.fee_nano == told.total_nano == told.quote.total_nano


def test_a_quote_is_its_quantities_at_their_rates() -> None:
    told = explain(Pricer([CATALOGUE]), request(TokenCounts(uncached=1000, cache_read=10, completion=500)))
    assert [(term.unit, term.quantity, term.price, term.per) for term in told.terms] == [
        ("uncached", 1000, Decimal("2.5"), MILLION),
        ("cache_read", 10, Decimal("1.25"), MILLION),
        ("completion", 500, Decimal(10), MILLION),
    ]
    assert {term.origin.source for term in told.terms} == {"catalogue"}
    assert adds_up(told)


def test_each_rate_names_the_card_that_it_comes_from_and_the_list_price_beside_it() -> None:
    told = explain(BOOK.pricer(["acme"]), request(TokenCounts(uncached=1000, cache_read=8, completion=500)))
    found = {term.unit: (term.origin.card, term.price, term.list_price) for term in told.terms}
    assert found == {
        "uncached": ("acme-2026", Decimal(2), Decimal("2.5")),
        "cache_read": ("openai/gpt-4o", Decimal("1.25"), Decimal("1.25")),
        "completion": ("acme-2026", Decimal(9), Decimal(10)),
    }
    assert told.terms[0].origin.valid_from == "2026-01-01"
    assert told.terms[0].origin.author == "ada"
    assert (told.fee_ppm, told.fee_nano) == (50_000, round((2_000_000 + 10_000 + 4_500_000) / 20))
    assert adds_up(told)
    text = list(told.lines())
    assert text[0] == (
        "prompt: 1000 uncached at 2 USD per 1,000,000 (list 2.5) = 0.002 [contract acme-2026 of 2026-01-01]"
    )
    assert text[-3:-1] == ["fee: 5 % = 0.0003255", "total: 0.0068355 USD"]


def test_tiers_modes_and_roundings_are_told() -> None:
    long = explain(
        Pricer([CATALOGUE]), request(TokenCounts(uncached=250_001, completion=7), "gemini-2.5-pro", "google")
    )
    assert (long.tier, long.tier_above) == (1, 200_000)
    assert "tier 2: prompts above 200,000 tokens" in list(long.lines())
    batch = explain(
        Pricer([CATALOGUE]), request(TokenCounts(uncached=3), "gpt-4o-mini", "openai", Mode.BATCH)
    )
    assert batch.mode is Mode.BATCH
    assert "processing mode: batch" in list(batch.lines())
    assert [r.difference_nano for r in batch.roundings if r.component is Component.PROMPT] == [0]
    odd = explain(Pricer([CATALOGUE]), request(TokenCounts(uncached=3), "gemini-1.5-flash", "google"))
    assert odd.roundings[0].exact_nano == Fraction(225, 2) * 2
    assert adds_up(odd)


def test_steps_and_free_allowances_are_told_part_by_part() -> None:
    used = MonthToDate(quantity_nano=90 * NANO)
    asked = PricingRequest(NOW_US, resource=transferred(20 * 10**9, outwards=True), month=used)
    told = explain(BOOK.pricer(), asked)
    assert [(term.quantity, term.price, term.step) for term in told.terms] == [
        (10, Decimal(0), 0),
        (10, Decimal("0.09"), 1),
    ]
    assert adds_up(told)
    assert list(told.lines())[1] == (
        "other: 10 egress_gb at 0.09 USD per 1, step 2 = 0.9 [resources resources/egress_gb]"
    )


def test_a_conversion_is_told_with_its_rate_and_day() -> None:
    rates = ExchangeRates([ExchangeRate("USD", "EUR", Decimal("0.9"), date_day(date(2026, 11, 20)), "ecb")])
    asked, pricer = request(TokenCounts(uncached=1000)), Pricer([CATALOGUE])
    told = explain(pricer, asked, charge_in(pricer.quote(asked), "EUR", rates, NOW_US))
    assert (told.currency, told.total_nano) == ("USD", 2_500_000)
    assert "at 0.9 EUR per USD of 2026-11-20 (ecb): 0.00225 EUR" in list(told.lines())


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (request(TokenCounts(uncached=1), "no-such-model"), "unpriced: UNKNOWN_MODEL"),
        (
            request(TokenCounts(uncached=1, audio_in=2), "gpt-4o-audio-preview"),
            "unpriced: UNIT_NOT_PRICED (audio_in)",
        ),
        (
            request(TokenCounts(uncached=1))._replace(provider_cost_nano=70_000_000),
            "0.07 USD as the provider reported it",
        ),
        (request(TokenCounts(), "no-such-model"), "total: 0 USD"),
    ],
)
def test_what_has_no_derivation_says_why(asked: PricingRequest, line: str) -> None:
    told = explain(Pricer([CATALOGUE]), asked)
    assert list(told.lines()) == [line]
    assert told.total_nano == told.quote.total_nano


def test_a_price_that_needs_the_month_says_so() -> None:
    asked = PricingRequest(NOW_US, resource=transferred(1, outwards=True))
    assert list(explain(BOOK.pricer(), asked).lines()) == ["unpriced: MONTH_UNKNOWN"]


counts = st.builds(
    TokenCounts,
    uncached=st.integers(0, 400_000),
    cache_read=st.integers(0, 400_000),
    cache_write_5m=st.integers(0, 1000),
    completion=st.integers(0, 10_000),
    reasoning=st.integers(0, 10_000),
    web_searches=st.integers(0, 3),
    requests=st.integers(0, 3),
)
models = st.sampled_from(
    [
        ("openai", "gpt-4o"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-1.5-flash"),
        ("perplexity", "sonar"),
    ]
)
lines = st.one_of(
    st.builds(
        RateLine, st.sampled_from(["uncached", "completion"]), st.decimals(0, 50, places=4), st.just(MILLION)
    ),
    st.just(RateLine(REQUEST, Decimal("0.001"))),
    st.just(RateLine("cache_read", Decimal(1), MILLION, ((1000, Decimal("0.3")),))),
    st.just(RateLine("uncached", Decimal(1), MILLION, ((900, Decimal("0.3")),), basis=Basis.MONTH)),
    st.builds(RateLine, st.sampled_from([EVERY, "reasoning"]), discount_ppm=st.integers(0, MILLION)),
)
cards = st.builds(
    RateCard,
    st.uuids().map(str),
    st.none(),
    st.just("*"),
    st.tuples(lines),
    st.just("contract"),
    fee_ppm=st.sampled_from([0, 33_333]),
    may_raise=st.booleans(),
)


@given(st.lists(cards, max_size=3), counts, models, st.integers(0, 2000))
def test_every_explanation_adds_up_to_its_quote(
    laid: list[RateCard], used: TokenCounts, model: tuple[str, str], before: int
) -> None:
    pricer = Pricer([Book([replace(card, card_id=f"{n}") for n, card in enumerate(laid)], CATALOGUE)])
    asked = request(used, model[1], model[0])._replace(month=MonthToDate(TokenCounts(uncached=before)))
    told = explain(pricer, asked)
    if told.quote.pricing is Pricing.PRICED:
        assert adds_up(told), list(told.lines())
    else:
        assert told.lacking
    assert list(told.lines())
