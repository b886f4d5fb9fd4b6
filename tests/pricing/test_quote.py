"""Quotes: which price wins, what is unpriced, and how exact it all is."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.calendar import from_datetime
from pricing.catalogue import load_catalogue
from pricing.errors import AmountOutOfRange, InvalidAmount, InvalidCurrency
from pricing.money import NANO, NANO_MAX, checked_sum, format_nano
from pricing.quote import Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.rates import Card
from pricing.units import COUNT_MAX, NO_COUNTS, Resource, TokenCounts

TRACE = Path(__file__).parents[3] / "shared" / "data" / "azure_llm_inference_2023_code.csv"
NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
CATALOGUE = load_catalogue()
PRICER = Pricer([CATALOGUE])

# Flat and tiered, whole and fractional nano-units per token, cached, audio, request fees.
KNOWN = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-audio"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-1.5-flash"),
    ("groq", "openai/gpt-oss-20b"),
    ("deepseek", "deepseek-chat"),
    ("perplexity", "sonar"),
]


def card_of(name: tuple[str, str]) -> Card:
    """The card that is valid now."""
    card = CATALOGUE.find(*name, NOW_US)
    assert card is not None
    return card


def quote(
    counts: TokenCounts = NO_COUNTS, provider: str | None = "openai", model: str | None = "gpt-4o"
) -> Quote:
    """The catalogue's quote for now."""
    return PRICER.quote(PricingRequest(NOW_US, provider, model, counts))


cards = st.sampled_from(KNOWN).map(card_of)
tokens = st.integers(0, 10**7)
counts_of_text = st.tuples(tokens, tokens, tokens, tokens).map(
    lambda n: TokenCounts(uncached=n[0], cache_read=n[1], completion=n[2], reasoning=n[3])
)


def calls_of_the_trace() -> Iterator[PricingRequest]:
    """The 8,819 calls at their own instants in November 2023."""
    with TRACE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["TIMESTAMP"]).replace(tzinfo=UTC)
            counts = TokenCounts.from_billed(
                prompt_tokens=int(row["ContextTokens"]), completion_tokens=int(row["GeneratedTokens"])
            )
            yield PricingRequest(from_datetime(at), "openai", "gpt-4o", counts)


@pytest.mark.skipif(not TRACE.exists(), reason="the Azure trace is not beside this checkout (shared/data)")
def test_the_azure_trace_costs_exactly_what_it_must() -> None:
    calls = list(calls_of_the_trace())
    quotes = [PRICER.quote(call) for call in calls]
    assert len(calls) == 8_819
    assert sum(call.counts.prompt_tokens for call in calls) == 18_059_974
    assert sum(call.counts.completion_tokens for call in calls) == 245_896
    assert {datetime.fromtimestamp(call.at_us / 10**6, UTC).date().isoformat() for call in calls} == {
        "2023-11-16"
    }
    assert format_nano(checked_sum(quote.total_nano for quote in quotes)) == "47.608895"
    assert format_nano(checked_sum(quote.prompt_nano for quote in quotes)) == "45.149935"
    assert format_nano(checked_sum(quote.completion_nano for quote in quotes)) == "2.45896"


def test_the_trace_s_sums_at_list_price_are_its_cost() -> None:
    whole = quote(TokenCounts(uncached=18_059_974, completion=245_896))
    assert format_nano(whole.total_nano) == "47.608895"


def test_a_quote_names_its_price() -> None:
    answer = quote(TokenCounts(uncached=1000, completion=500))
    assert answer == Quote(
        Pricing.PRICED,
        "USD",
        prompt_nano=2_500_000,
        completion_nano=5_000_000,
        other_nano=0,
        total_nano=7_500_000,
        price_source="catalogue",
        price_card="openai/gpt-4o",
        catalogue_version=CATALOGUE.version,
        catalogue_hash=CATALOGUE.content_hash,
    )


def test_cached_tokens_have_their_own_price_and_are_not_counted_twice() -> None:
    counts = TokenCounts.from_billed(prompt_tokens=1000, cache_read_tokens=400)
    assert quote(counts).prompt_nano == 600 * 2_500 + 400 * 1_250


def test_one_hour_cache_writes_have_their_own_price() -> None:
    counts = TokenCounts.from_billed(prompt_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=400)
    answer = quote(counts, "anthropic", "claude-3-opus")
    assert answer.prompt_nano == 600 * 18_750 + 400 * 30_000


def test_audio_has_its_own_price() -> None:
    audio = quote(
        TokenCounts(uncached=10, audio_in=1000, completion=10, audio_out=1000), "openai", "gpt-audio"
    )
    assert audio.prompt_nano == 10 * 2_500 + 1000 * 32_000
    assert audio.completion_nano == 10 * 10_000 + 1000 * 64_000


@pytest.mark.parametrize(
    "counts", [TokenCounts(audio_in=1), TokenCounts(audio_out=1), TokenCounts(image_out=1)]
)
def test_audio_and_generated_images_are_never_priced_as_text(counts: TokenCounts) -> None:
    answer = quote(counts, "openai", "gpt-4o-audio-preview")
    assert (answer.pricing, answer.reason) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED)


def test_searches_are_other_cost() -> None:
    answer = quote(TokenCounts(uncached=1, web_searches=2))
    assert (answer.prompt_nano, answer.other_nano) == (2_500, 20_000_000)


def test_a_request_fee_is_charged_once_per_operation() -> None:
    once, twice = (quote(TokenCounts(uncached=n), "perplexity", "sonar").other_nano for n in (1, 2))
    assert once == twice > 0


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "no-such-model"), ("nobody", "gpt-4o"), (None, None)]
)
def test_an_unknown_model_is_unpriced_and_not_free(provider: str | None, model: str | None) -> None:
    answer = quote(TokenCounts(uncached=10), provider, model)
    assert (answer.pricing, answer.reason) == (Pricing.UNPRICED, Reason.UNKNOWN_MODEL)
    assert answer.total_nano == 0
    assert answer.price_source is None


def test_a_unit_without_a_rate_is_unpriced_and_not_free() -> None:
    answer = quote(TokenCounts(uncached=10, completion=10), "openai", "text-embedding-3-small")
    assert (answer.pricing, answer.reason) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED)
    assert (answer.total_nano, answer.price_card) == (0, "openai/text-embedding-3-small")


def test_a_model_without_any_price_is_unpriced_unless_it_is_named_free() -> None:
    nothing = quote(TokenCounts(uncached=10), "cerebras", "qwen-3-coder-480b")
    assert (nothing.pricing, nothing.reason) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED)
    free = quote(TokenCounts(uncached=10, completion=10), "openrouter", "deepseek/deepseek-r1:free")
    assert (free.pricing, free.total_nano, free.price_source) == (Pricing.PRICED, 0, "catalogue")


@pytest.mark.parametrize("model", [None, "gpt-4o", "no-such-model"])
def test_a_failed_call_that_used_nothing_costs_nothing(model: str | None) -> None:
    assert quote(NO_COUNTS, "openai", model) == Quote(Pricing.PRICED)


def test_resources_wait_for_a_price() -> None:
    answer = PRICER.quote(PricingRequest(NOW_US, resource=Resource.of(Decimal(2), "core_hour")))
    assert (answer.pricing, answer.reason) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED)


def reported(amount_nano: int, counts: TokenCounts, model: str = "gpt-4o", currency: str = "USD") -> Quote:
    """The quote of a call whose cost the provider reported."""
    return PRICER.quote(PricingRequest(NOW_US, "openai", model, counts, amount_nano, currency))


@given(st.integers(0, NANO_MAX), counts_of_text, st.sampled_from(["gpt-4o", "no-such-model"]))
def test_the_provider_s_own_figure_is_the_total(amount_nano: int, counts: TokenCounts, model: str) -> None:
    answer = reported(amount_nano, counts, model)
    assert (answer.pricing, answer.price_source) == (Pricing.PRICED, "provider_reported")
    assert answer.total_nano == amount_nano
    assert answer.prompt_nano + answer.completion_nano + answer.other_nano == amount_nano
    assert min(answer.prompt_nano, answer.completion_nano, answer.other_nano) >= 0


def test_the_provider_s_figure_is_divided_as_the_card_divides() -> None:
    answer = reported(3 * NANO, TokenCounts(uncached=4000, completion=500))  # the card says 2 : 1
    assert (answer.prompt_nano, answer.completion_nano, answer.other_nano) == (2 * NANO, NANO, 0)


def test_a_figure_that_no_card_can_divide_is_other_cost() -> None:
    answer = reported(7, TokenCounts(uncached=4000, completion=500), "no-such-model")
    assert (answer.prompt_nano, answer.completion_nano, answer.other_nano) == (0, 0, 7)


def test_a_reported_zero_is_zero_and_not_an_estimate() -> None:
    answer = reported(0, TokenCounts(uncached=4000, completion=500))
    assert (answer.pricing, answer.total_nano, answer.price_source) == (
        Pricing.PRICED,
        0,
        "provider_reported",
    )


def test_reported_figures_are_checked() -> None:
    with pytest.raises(InvalidAmount):
        reported(-1, NO_COUNTS)
    with pytest.raises(AmountOutOfRange):
        reported(NANO_MAX + 1, NO_COUNTS)
    with pytest.raises(InvalidCurrency):
        reported(1, NO_COUNTS, currency="dollars")


def test_a_cost_in_another_currency_is_unpriced_until_rates_exist() -> None:
    usd = quote(TokenCounts(uncached=1000))
    assert usd.charged_in("USD") is usd
    euro = usd.charged_in("EUR")
    assert (euro.pricing, euro.reason, euro.currency) == (Pricing.UNPRICED, Reason.NO_RATE, "EUR")
    assert (euro.prompt_nano, euro.completion_nano, euro.other_nano, euro.total_nano) == (0, 0, 0, 0)
    assert euro.price_card == usd.price_card
    assert reported(5, NO_COUNTS, currency="EUR").charged_in("EUR").total_nano == 5


def test_zero_is_zero_in_every_currency() -> None:
    assert quote(NO_COUNTS).charged_in("EUR") == Quote(Pricing.PRICED, "EUR")


def test_an_unpriced_quote_keeps_its_reason_in_every_currency() -> None:
    unknown = quote(TokenCounts(uncached=1), "openai", "no-such-model").charged_in("EUR")
    assert (unknown.pricing, unknown.reason, unknown.currency) == (
        Pricing.UNPRICED,
        Reason.UNKNOWN_MODEL,
        "EUR",
    )


def test_absurd_counts_do_not_overflow_silently() -> None:
    assert quote(TokenCounts(uncached=10**12)).total_nano == 2_500 * 10**12
    with pytest.raises(AmountOutOfRange):
        quote(TokenCounts(uncached=COUNT_MAX, completion=COUNT_MAX))


def test_the_first_source_that_knows_the_model_wins() -> None:
    class OnlyMini:
        def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:  # noqa: ARG002
            return CATALOGUE.find("openai", "gpt-4o-mini", at_us) if model_id == "ours" else None

    pricer = Pricer([OnlyMini(), CATALOGUE])
    counts = TokenCounts(uncached=10)
    assert pricer.quote(PricingRequest(NOW_US, None, "ours", counts)).price_card == "openai/gpt-4o-mini"
    assert pricer.quote(PricingRequest(NOW_US, "openai", "gpt-4o", counts)).price_card == "openai/gpt-4o"


@given(cards, counts_of_text)
def test_a_cost_is_never_negative(card: Card, counts: TokenCounts) -> None:
    costs = card.costs(counts)
    assert costs is not None
    assert min(costs) >= 0


@given(cards, counts_of_text, counts_of_text)
def test_more_tokens_never_cost_less_within_a_tier(
    card: Card, counts: TokenCounts, more: TokenCounts
) -> None:
    sums = TokenCounts(*map(int.__add__, counts, more))
    less_costs, more_costs = card.costs(counts), card.costs(sums)
    assert less_costs is not None
    assert more_costs is not None
    if tier_of(card, counts) == tier_of(card, sums):
        assert all(a <= b for a, b in zip(less_costs, more_costs, strict=True))


@given(cards, counts_of_text, counts_of_text)
def test_a_split_costs_the_same_to_half_a_nano_per_piece(
    card: Card, one: TokenCounts, two: TokenCounts
) -> None:
    """Exactly the same where rates are whole. Request fees are per operation, and so not looked at."""
    both = TokenCounts(*map(int.__add__, one, two))
    tier = tier_of(card, both)
    if {tier_of(card, one), tier_of(card, two)} != {tier}:
        return
    whole, first, second = card.costs(both), card.costs(one), card.costs(two)
    assert whole is not None
    assert first is not None
    assert second is not None
    drift = max(abs(w - a - b) for w, a, b in zip(whole[:2], first[:2], second[:2], strict=True))
    # Three roundings, each by at most half a nano-unit, of integers: at most one.
    assert drift == 0 if card.tiers[tier].denominator == 1 else drift <= 1


def tier_of(card: Card, counts: TokenCounts) -> int:
    """How many thresholds the prompt has passed."""
    return sum(counts.prompt_tokens > start for start in card.starts)


def test_both_kinds_of_rates_were_tried() -> None:
    known = [card_of(name) for name in KNOWN]
    denominators = {tier.denominator == 1 for card in known for tier in card.tiers}
    assert denominators == {True, False}
    assert {len(card.tiers) > 1 for card in known} == {True, False}


def test_a_quote_has_every_field() -> None:
    """It is built past the constructor, which would have counted them."""
    assert len(quote(TokenCounts(uncached=1))) == len(Quote._fields)
    assert Quote(*quote(TokenCounts(uncached=1))) == quote(TokenCounts(uncached=1))
    costs = card_of(("openai", "gpt-4o")).costs(TokenCounts(uncached=1))
    assert costs is not None
    assert costs.prompt_nano == 2_500
