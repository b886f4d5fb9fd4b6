"""Our calculator against that of ``genai-prices`` itself, over every model of its catalogue."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.data_units import unit_data
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices
from genai_prices.types import Usage as GenaiUsage

from pricing.calendar import from_datetime
from pricing.catalogue import USAGE_KEYS, Catalogue, load_catalogue
from pricing.errors import InstantOutOfRange
from pricing.money import to_nano
from pricing.quote import Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.units import TokenCounts

ORACLE = DataSnapshot(providers, from_auto_update=False)
LATEST = datetime(2026, 11, 22, 9, tzinfo=UTC)
EARLY = datetime(2023, 11, 16, 18, 17, tzinfo=UTC)

USAGES = [
    TokenCounts(uncached=1000, completion=500),
    TokenCounts(uncached=1),
    TokenCounts(completion=1),
    TokenCounts(uncached=7, cache_read=1234, cache_write_5m=77, completion=3, reasoning=999),
    TokenCounts(uncached=11, cache_write_5m=5, cache_write_1h=4321, completion=13),
    TokenCounts(uncached=5, audio_in=301, audio_cache_read=202, cache_read=17, completion=1, audio_out=401),
    TokenCounts(uncached=5, image_in=303, completion=1, image_out=403),
    TokenCounts(uncached=199_999, cache_read=54_321, completion=8_191),
    TokenCounts(uncached=123, completion=45, web_searches=3),
    TokenCounts(uncached=987_654_321_987, completion=123_456_789_123),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def inclusive(counts: TokenCounts) -> GenaiUsage:
    """The same usage in the words of genai-prices, whose wholes include their parts."""
    return GenaiUsage(
        input_tokens=counts.prompt_tokens,
        output_tokens=counts.completion_tokens,
        cache_read_tokens=counts.cache_read + counts.audio_cache_read,
        cache_write_tokens=counts.cache_write_5m + counts.cache_write_1h,
        cache_write_1h_tokens=counts.cache_write_1h,
        input_audio_tokens=counts.audio_in + counts.audio_cache_read,
        cache_audio_read_tokens=counts.audio_cache_read,
        input_image_tokens=counts.image_in,
        cache_image_read_tokens=0,
        output_reasoning_tokens=counts.reasoning,
        output_audio_tokens=counts.audio_out,
        output_image_tokens=counts.image_out,
        web_searches=counts.web_searches,
    )


def lacks_a_price(prices: ModelPrice, counts: TokenCounts) -> bool:
    """Whether something was used for which neither its own price nor a more general one exists.

    Audio and generated images have to have a price of their own.
    """
    priced = [
        unit["dimensions"] for unit in unit_data.values() if getattr(prices, unit["price_key"]) is not None
    ]
    for name, count in counts._asdict().items():
        if name == "requests":  # every operation is one, priced or not
            continue
        own = unit_data[USAGE_KEYS[name]]["dimensions"]
        fit = [general for general in priced if general.items() <= own.items()]
        if own.get("modality") == "audio" or (own.get("modality"), own.get("direction")) == (
            "image",
            "output",
        ):
            fit = [general for general in fit if "modality" in general]
        if count and not fit:
            return True
    return False


def moments(model: ModelInfo) -> list[datetime]:
    """Instants that matter for a model: now and long ago, each change of price, each change of the hour."""
    if isinstance(model.prices, ModelPrice):
        return [LATEST]
    found = [LATEST, EARLY]
    for price in model.prices:
        constraint = price.constraint
        if isinstance(constraint, StartDateConstraint):
            start = datetime.combine(constraint.start_date, time(), UTC)
            found += [start, start - timedelta(microseconds=1), start + timedelta(hours=23)]
        elif constraint is not None:
            for edge in (constraint.start_time, constraint.end_time):
                at = datetime.combine(LATEST.date(), edge).astimezone(UTC)
                found += [at, at - timedelta(microseconds=1), at + timedelta(minutes=29)]
    return found


def at_thresholds(model: ModelInfo) -> Iterator[TokenCounts]:
    """Prompts of exactly a tier's threshold, and one token more."""
    sets = [model.prices] if isinstance(model.prices, ModelPrice) else [p.prices for p in model.prices]
    tiered = [price for prices in sets for price in vars(prices).values() if isinstance(price, TieredPrices)]
    for start in {tier.start for price in tiered for tier in price.tiers}:
        yield TokenCounts(uncached=start - start // 3, cache_read=start // 3, completion=321)
        yield TokenCounts(uncached=start - start // 3 + 1, cache_read=start // 3, completion=321)


def texts(clause: object) -> Iterator[str]:
    """The texts that a match clause looks for."""
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        else:
            for inner in value:
                yield from texts(inner)


def name_of(provider: Provider, model: ModelInfo) -> str | None:
    """A name that means this model; some ids mean an earlier model, or none."""
    words = list(texts(model.match))
    for name in (model.id, *words, *map("".join, permutations(words, 2))):
        with suppress(LookupError):
            if ORACLE.find_provider_model(name, None, provider.id, None)[1] is model:
                return name
    return None


EVERY = [(provider, model, name_of(provider, model)) for provider in providers for model in provider.models]
MODELS = [(provider, model, name) for provider, model, name in EVERY if name is not None]


def check(
    catalogue: Catalogue, named: tuple[Provider, ModelInfo, str], at: datetime, counts: TokenCounts
) -> Quote:
    """Compare one quote with the oracle, and return it."""
    provider, model, name = named
    quote = Pricer([catalogue]).quote(PricingRequest(from_datetime(at), provider.id, name, counts))
    prices = model.get_prices(at)
    free = model.id.endswith(":free") and not vars(prices)
    if lacks_a_price(prices, counts) and not free:
        assert (quote.pricing, quote.reason) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED)
        assert quote.total_nano == 0
        return quote
    expected = model.calc_price(inclusive(counts), provider, genai_request_timestamp=at)
    other = expected.total_price - expected.input_price - expected.output_price
    assert quote.pricing is Pricing.PRICED
    assert quote.prompt_nano == to_nano(expected.input_price)
    assert quote.completion_nano == to_nano(expected.output_price)
    assert quote.other_nano == to_nano(other)
    assert quote.total_nano == quote.prompt_nano + quote.completion_nano + quote.other_nano
    assert quote.price_card == f"{provider.id}/{model.id}"
    return quote


def test_the_oracle_reaches_almost_every_model() -> None:
    assert len(MODELS) > 2000
    assert len(EVERY) - len(MODELS) < 30


@pytest.mark.parametrize("counts", USAGES, ids=repr)
def test_every_model_costs_what_genai_prices_says(catalogue: Catalogue, counts: TokenCounts) -> None:
    quotes = [check(catalogue, named, LATEST, counts) for named in MODELS]
    if counts == USAGES[0]:
        unpriced = [quote.price_card for quote in quotes if quote.pricing is Pricing.UNPRICED]
        assert len(unpriced) < 150, "most models have a price for input and output"


def test_every_price_change_happens_at_its_own_instant(catalogue: Catalogue) -> None:
    dated = [named for named in MODELS if not isinstance(named[1].prices, ModelPrice)]
    assert len(dated) > 200
    for named in dated:
        for at in moments(named[1]):
            check(catalogue, named, at, USAGES[3])


def test_one_prompt_token_past_a_threshold_reprices_the_whole_request(catalogue: Catalogue) -> None:
    checked = 0
    for named in MODELS:
        for counts in at_thresholds(named[1]):
            for at in moments(named[1]):
                check(catalogue, named, at, counts)
                checked += 1
    assert checked > 300


def test_names_mean_what_genai_prices_says(catalogue: Catalogue) -> None:
    at_us = from_datetime(LATEST)
    for _, model, _ in EVERY:
        for provider_id in (None, "openrouter", "litellm"):
            try:
                found_provider, found = ORACLE.find_provider_model(model.id, None, provider_id, None)
                expected = f"{found_provider.id}/{found.id}"
            except LookupError:
                expected = None
            card = catalogue.find(provider_id, model.id, at_us)
            assert (card and card.key) == expected


@pytest.mark.parametrize(
    ("provider", "model", "key"),
    [
        ("openai", "gpt-4o", "openai/gpt-4o"),
        (" OpenAI ", "GPT-4o-2024-08-06", "openai/gpt-4o"),
        ("azure", "gpt-4o", "azure/gpt-4o"),
        (
            "bedrock",
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            "aws/regional.anthropic.claude-3-5-haiku-20241022-v1:0",
        ),
        ("litellm", "anthropic/claude-3-opus", "anthropic/claude-3-opus-latest"),
        (None, "claude-3-opus", "anthropic/claude-3-opus-latest"),
        (None, "gpt-4o", "openai/gpt-4o"),
    ],
)
def test_aliases_are_known(catalogue: Catalogue, provider: str | None, model: str, key: str) -> None:
    card = catalogue.find(provider, model, from_datetime(LATEST))
    assert card is not None
    assert card.key == key


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("no-such-provider", "gpt-4o"),
        (None, "no-such-model"),
        ("litellm", "x/gpt-no"),
    ],
)
def test_an_unknown_name_has_no_card(catalogue: Catalogue, provider: str | None, model: str) -> None:
    assert catalogue.find(provider, model, from_datetime(LATEST)) is None


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("openai", "gpt-4", "0.06"),
        ("openai", "gpt-3.5-turbo", "0.00125"),
        ("anthropic", "claude-3-opus", "0.0525"),
        ("anthropic", "claude-3-sonnet", "0.0105"),
        ("google", "gemini-pro", "0.0003125"),
    ],
)
def test_the_comparison_table_of_the_requirements(
    catalogue: Catalogue, provider: str, model: str, usd: str
) -> None:
    request = PricingRequest(
        from_datetime(LATEST), provider, model, TokenCounts(uncached=1000, completion=500)
    )
    assert Pricer([catalogue]).quote(request).total_nano == to_nano(Decimal(usd))


def test_a_card_says_since_when_and_from_what_it_is(catalogue: Catalogue) -> None:
    dated = next(m for p, m, _ in MODELS if p.id == "openai" and not isinstance(m.prices, ModelPrice))
    assert not isinstance(dated.prices, ModelPrice)
    constraint = dated.prices[-1].constraint
    assert isinstance(constraint, StartDateConstraint)
    card = catalogue.find("openai", dated.id, from_datetime(LATEST))
    assert card is not None
    assert card.valid_from == constraint.start_date.isoformat()
    assert (card.source, card.version, card.currency) == ("catalogue", catalogue.version, "USD")
    assert len(card.content_hash) == 64
    assert int(card.content_hash, 16)


def test_an_impossible_instant_has_no_price(catalogue: Catalogue) -> None:
    dated = next(m for p, m, _ in MODELS if p.id == "openai" and not isinstance(m.prices, ModelPrice))
    with pytest.raises(InstantOutOfRange):
        catalogue.find("openai", dated.id, -1)


def test_importing_the_room_does_not_load_the_catalogue() -> None:
    code = "import sys, pricing.catalogue, pricing.quote; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
