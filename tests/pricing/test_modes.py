"""Processing modes: each at its own price, and an unknown one at none."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider, StartDateConstraint

from pricing.calendar import from_datetime
from pricing.catalogue import MODES, load_catalogue
from pricing.errors import UnknownMode
from pricing.modes import Mode
from pricing.quote import Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.units import TokenCounts
from tests.pricing.test_catalogue import USAGES, inclusive

LATEST = datetime(2026, 11, 22, 9, tzinfo=UTC)
CATALOGUE = load_catalogue()
PRICER = Pricer([CATALOGUE])


def quote(mode: Mode, counts: TokenCounts, provider: str = "openai", model: str = "gpt-4o") -> Quote:
    return PRICER.quote(PricingRequest(from_datetime(LATEST), provider, model, counts, mode=mode))


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        (None, Mode.STANDARD),
        ("default", Mode.STANDARD),
        ("Batch", Mode.BATCH),
        ("flex", Mode.FLEX),
        ("priority", Mode.PRIORITY),
        ("ON_DEMAND_PRIORITY", Mode.PRIORITY),
        ("fast", Mode.FAST),
    ],
)
def test_modes_are_read_in_the_providers_words(word: str | None, mode: Mode) -> None:
    assert Mode.of(word) is mode


@pytest.mark.parametrize("word", ["", "auto", "ultrafast", "x" * 1000])
def test_an_unknown_mode_is_an_error_and_not_the_standard_price(word: str) -> None:
    with pytest.raises(UnknownMode, match="known are standard, batch, flex, priority, fast") as caught:
        Mode.of(word, "service_tier")
    assert (caught.value.field, caught.value.code) == ("service_tier", "INVALID")
    assert len(str(caught.value)) < 200


def test_a_batch_costs_half() -> None:
    counts = TokenCounts(uncached=1000, completion=500)
    standard = quote(Mode.STANDARD, counts, "anthropic", "claude-sonnet-4-5")
    batch = quote(Mode.BATCH, counts, "anthropic", "claude-sonnet-4-5")
    assert (standard.total_nano, batch.total_nano) == (10_500_000, 5_250_000)
    assert (standard.mode, batch.mode) == (Mode.STANDARD, Mode.BATCH)


def test_a_mode_that_a_model_is_not_sold_in_is_unpriced_and_says_so() -> None:
    answer = quote(Mode.FAST, TokenCounts(uncached=1000), "openai", "gpt-3.5-turbo")
    assert (answer.pricing, answer.reason, answer.total_nano) == (
        Pricing.UNPRICED,
        Reason.MODE_NOT_PRICED,
        0,
    )
    unknown = quote(Mode.FAST, TokenCounts(uncached=1000), "openai", "no-such-model")
    assert unknown.reason is Reason.UNKNOWN_MODEL


def with_variants() -> Iterator[tuple[Provider, ModelInfo]]:
    for provider in providers:
        for model in provider.models:
            if model.price_variants:
                yield provider, model


def moments(model: ModelInfo) -> list[datetime]:
    found = [LATEST]
    for variant in model.price_variants or ():
        if isinstance(variant.constraint, StartDateConstraint):
            start = datetime.combine(variant.constraint.start_date, time(), UTC)
            found += [start, start - timedelta(microseconds=1)]
    return found


def test_every_mode_of_every_model_costs_what_genai_prices_says() -> None:
    compared = dict.fromkeys(MODES, 0)
    for provider, model in with_variants():
        for moment in moments(model):
            card = CATALOGUE.find(provider.id, model.id, from_datetime(moment))
            if card is None or card.key != f"{provider.id}/{model.id}":
                continue
            for mode, contexts in MODES.items():
                sold = card.in_mode(mode)
                valid = [
                    v for v in model.price_variants or () if not v.constraint or v.constraint.active(moment)
                ]
                context = next((c for c in contexts if any(v.when == c for v in valid)), None)
                assert (sold is not None) == (context is not None), (card.key, mode, moment)
                if sold is None or context is None:
                    continue
                for counts in USAGES:
                    costs = sold.costs(counts)
                    if costs is None:
                        continue
                    theirs = model.calc_price(
                        inclusive(counts), provider, genai_request_timestamp=moment, price_context=context
                    )
                    assert abs(sum(costs) - theirs.total_price * 10**9) <= 2, (card.key, mode, counts)
                    compared[mode] += 1
    assert min(compared.values()) > 50, compared
