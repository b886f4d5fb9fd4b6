"""The ``genai-prices`` catalogue as a source of compiled, dated cards: our own calculator on its data.

Its rules are kept: which model a name means, which price was valid when, which price a kind of token falls
back to (the nearest more general one: cached input without a price of its own is input), and tiers as cliffs
on all prompt tokens. Five things differ, four of them so that a missing price is seen:

- a unit for which neither its own nor a more general price exists is not priced, instead of free;
- audio and generated images do not fall back to the price of text, which is 10 to 60 times lower where the
  catalogue has no audio price for an audio model (``gpt-4o-audio-preview``): they are not priced;
- a model without any price is not priced, unless its id ends in ``:free``;
- a processing mode (batch, flex, priority, fast) without a price is not priced, instead of as standard;
- the process-global snapshot that other code may replace is not used.

Loading takes about half a second and happens on the first call of :func:`load_catalogue`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from math import gcd
from typing import TYPE_CHECKING, Any

from pricing.calendar import DAY_US, INSTANT_MAX_US, SECOND_US, check_instant, date_day, to_datetime
from pricing.modes import Mode
from pricing.money import NANO
from pricing.rates import REQUEST, Card, Tier
from pricing.units import TokenCounts

if TYPE_CHECKING:
    from genai_prices.types import (
        ConditionalPrice,
        ModelInfo,
        PriceVariant,
        Provider,
        StartDateConstraint,
        TieredPrices,
        TimeOfDateConstraint,
    )

SOURCE = "catalogue"
CURRENCY = "USD"

USAGE_KEYS = {
    "uncached": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "audio_in": "input_audio_tokens",
    "audio_cache_read": "cache_audio_read_tokens",
    "image_in": "input_image_tokens",
    "video_in": "input_video_tokens",
    "completion": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "audio_out": "output_audio_tokens",
    "image_out": "output_image_tokens",
    "video_out": "output_video_tokens",
    "web_searches": "web_searches",
    "pages": "input_document_pages",
    "milliseconds": "input_audio_seconds",
    "characters": "input_characters",
    REQUEST: "requests",
}
"""Our counts in the catalogue's words."""

MODES: Mapping[Mode, Sequence[Mapping[str, str]]] = {
    Mode.BATCH: ({"processing": "batch"},),
    Mode.FLEX: ({"service_tier": "flex"},),
    Mode.PRIORITY: ({"service_tier": "priority"},),
    Mode.FAST: ({"service_tier": "fast"}, {"speed": "fast"}),
}
"""Our processing modes in the catalogue's words; the first that a model has a price for."""

_SCALE = {"milliseconds": 1000}
"""How many of ours are one of the catalogue's."""
_OWN_MODALITY = frozenset({"audio_in", "audio_cache_read", "audio_out", "image_out", "video_out"})
_NAMES_MAX = 8192
_SLOTS_MAX = 4096


@dataclass(slots=True)
class _Model:
    """A model as one provider sells it, with the cards compiled so far."""

    key: str
    free: bool
    prices: Sequence["ConditionalPrice"]
    """The last one whose condition holds is valid, else the first."""
    slot_us: int
    """The same price is valid from one multiple of this to the next."""
    context_tokens: int | None
    variants: Sequence["PriceVariant"] = ()
    """Prices of processing modes, each for a few units; the first whose condition holds wins."""
    cards: dict[tuple[int, ...], Card] = field(default_factory=dict[tuple[int, ...], Card])
    """By index in ``prices`` and the indices in ``variants`` whose conditions hold."""
    slots: dict[int, Card] = field(default_factory=dict[int, Card])
    """By instant // ``slot_us``."""


class Catalogue:
    """A ``RateSource`` over the price data of one version of ``genai-prices``."""

    def __init__(self, providers: Sequence["Provider"], version: str, content_hash: str) -> None:
        self.version = version
        self.content_hash = content_hash
        self._providers = list(providers)
        self._models: dict[str, _Model] = {}
        self._named = lru_cache(maxsize=_NAMES_MAX)(self._find_model)

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        """The card valid at that instant, or None for an unknown provider or model.

        Names are matched as the catalogue says: aliases of providers (``bedrock``), dated and prefixed model
        ids; without a provider, the first one whose models are named like this. Raises ``InstantOutOfRange``.
        """
        model = self._named(provider, model_id)
        if model is None:
            return None
        card = model.slots.get(at_us // model.slot_us)
        return card if card is not None else self._learn(model, check_instant(at_us))

    def dated_models(self, provider_id: str) -> Iterator[tuple[str, list[int] | None]]:
        """A provider's models, each with the instants from which its prices hold.

        None where a price holds at some hours of the day only.
        """
        from genai_prices.data_snapshot import find_provider_by_id  # noqa: PLC0415 - loaded by load_catalogue

        provider = find_provider_by_id(self._providers, provider_id)
        for model in provider.models if provider else ():
            known = _model(model.id, model)
            dates_us: list[int] | None = [0]
            for each in (*known.prices, *known.variants):
                start = getattr(each.constraint, "start_date", None)
                if each.constraint is not None and start is None:
                    dates_us = None
                    break
                if start is not None:
                    dates_us.append(date_day(start) * DAY_US)
            yield model.id, None if dates_us is None else sorted(set(dates_us))

    def context_tokens(self, provider: str | None, model_id: str) -> int | None:
        """How long prompt and answer of a model can be together, where the catalogue says."""
        model = self._named(provider, model_id)
        return None if model is None else model.context_tokens

    def newest_change(self, by: date) -> date | None:
        """The latest day, up to ``by``, from which it knows a changed price: how fresh it is at least."""
        prices = (
            price
            for provider in self._providers
            for model in provider.models
            if isinstance(model.prices, list)
            for price in model.prices
        )
        starts = (getattr(price.constraint, "start_date", None) for price in prices)
        return max((each for each in starts if each is not None and each <= by), default=None)

    def _find_model(self, provider_id: str | None, model_id: str) -> _Model | None:
        from genai_prices.data_snapshot import find_provider_by_id  # noqa: PLC0415 - loaded by load_catalogue

        name = model_id.lower()
        any_provider = provider_id is None or provider_id.lower() == "litellm"
        if provider_id is not None and any_provider and "/" in name:
            prefix, rest = name.split("/", 1)
            if find_provider_by_id(self._providers, prefix):
                provider_id, name, any_provider = prefix, rest, False
        provider = find_provider_by_id(self._providers, provider_id) if provider_id is not None else None
        if provider is None and any_provider:
            provider = next(
                (p for p in self._providers if p.model_match and p.model_match.is_match(name)), None
            )
        model = provider.find_model(name, all_providers=self._providers) if provider else None
        if provider is None or model is None:
            return None
        key = f"{provider.id}/{model.id}"
        return self._models.setdefault(key, _model(key, model))

    def _learn(self, model: _Model, at_us: int) -> Card:
        moment = to_datetime(at_us)

        def holds(constraint: "StartDateConstraint | TimeOfDateConstraint | None") -> bool:
            return constraint is None or constraint.active(moment)

        index = max((i for i, price in enumerate(model.prices) if holds(price.constraint)), default=0)
        valid = tuple(i for i, variant in enumerate(model.variants) if holds(variant.constraint))
        card = model.cards.get((index, *valid))
        if card is None:
            variants = [model.variants[i] for i in valid]
            card = model.cards[index, *valid] = self._compile(model, model.prices[index], variants)
        if len(model.slots) >= _SLOTS_MAX:
            model.slots.clear()
        model.slots[at_us // model.slot_us] = card
        return card

    def _compile(self, model: _Model, price: "ConditionalPrice", variants: Sequence["PriceVariant"]) -> Card:
        start_date = getattr(price.constraint, "start_date", None)
        standard = vars(price.prices)

        def card(mode: Mode, given: Mapping[str, Any], modes: Mapping[Mode, Card]) -> Card:
            starts, tiers = compile_prices(given, free=model.free)
            return Card(
                key=model.key,
                currency=CURRENCY,
                source=SOURCE,
                version=self.version,
                content_hash=self.content_hash,
                valid_from=start_date.isoformat() if start_date else None,
                starts=starts,
                tiers=tiers,
                modes=modes,
                mode=mode,
            )

        modes = {
            mode: card(mode, {**standard, **changed}, {})
            for mode in MODES
            if (changed := _changed(variants, mode)) is not None
        }
        return card(Mode.STANDARD, standard, modes)


def _changed(variants: Sequence["PriceVariant"], mode: Mode) -> dict[str, Any] | None:
    """The prices that a mode changes; None where there is no price for it."""
    for context in MODES[mode]:
        found = [v for v in variants if all(context.get(key) == value for key, value in v.when.items())]
        if found:
            changed: dict[str, Any] = {}
            for variant in found:
                for key, price in vars(variant.prices).items():
                    if price is not None:
                        changed.setdefault(key, price)
            return changed
    return None


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of the installed package; the hash is that of its data module."""
    from genai_prices import __version__  # noqa: PLC0415 - half a second to load
    from genai_prices.data import providers  # noqa: PLC0415

    content = files("genai_prices").joinpath("data.py").read_bytes()
    return Catalogue(providers, __version__, sha256(content).hexdigest())


def compile_prices(prices: Mapping[str, Any], *, free: bool) -> tuple[tuple[int, ...], tuple[Tier, ...]]:
    """Thresholds and tiers of one set of prices by key. ``free`` says what a set without any price means."""
    given: dict[str, Decimal | TieredPrices] = {k: v for k, v in prices.items() if v is not None}
    tiered = [price for price in given.values() if not isinstance(price, Decimal)]
    starts = tuple(sorted({tier.start for price in tiered for tier in price.tiers}))
    if not given and free:
        return (), (Tier.of(dict.fromkeys(TokenCounts._fields, Fraction(0))),)
    return starts, tuple(Tier.of(_rates(given, threshold)) for threshold in (-1, *starts))


def _rates(given: Mapping[str, "Decimal | TieredPrices"], threshold: int) -> dict[str, Fraction]:
    """Nano-units per unit of each count that has a price, for prompts longer than ``threshold``."""
    rates: dict[str, Fraction] = {}
    for name, candidates in _fallbacks().items():
        for price_key, per in candidates:
            if price_key in given:
                rates[name] = Fraction(_at(given[price_key], threshold)) * NANO / (per * _SCALE.get(name, 1))
                break
    return rates


def _at(price: "Decimal | TieredPrices", threshold: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= threshold), price.base)


@cache
def _fallbacks() -> dict[str, list[tuple[str, int]]]:
    """For each of our counts its own price and the more general ones: (price key, per), nearest first."""
    from genai_prices.data_units import unit_data  # noqa: PLC0415 - loaded by load_catalogue

    result: dict[str, list[tuple[str, int]]] = {}
    for name, usage_key in USAGE_KEYS.items():
        own = unit_data[usage_key]["dimensions"]
        general = [unit for unit in unit_data.values() if unit["dimensions"].items() <= own.items()]
        if name in _OWN_MODALITY:
            general = [unit for unit in general if unit["dimensions"].get("modality") == own["modality"]]
        general.sort(key=lambda unit: -len(unit["dimensions"]))
        result[name] = [(unit["price_key"], unit["per"]) for unit in general]
    return result


def _model(key: str, model: "ModelInfo") -> _Model:
    from genai_prices.types import (  # noqa: PLC0415 - loaded by load_catalogue
        ConditionalPrice,
        ModelPrice,
        TimeOfDateConstraint,
    )

    prices = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices
    slot_us = INSTANT_MAX_US
    variants = model.price_variants or ()
    for constraint in (each.constraint for each in (*prices, *variants)):
        if constraint is None:
            continue
        slot_us = gcd(slot_us, DAY_US)
        if isinstance(constraint, TimeOfDateConstraint):
            slot_us = gcd(slot_us, _us_of_day(constraint.start_time), _us_of_day(constraint.end_time))
    return _Model(key, key.endswith(":free"), prices, slot_us, model.context_window, variants)


def _us_of_day(at: time) -> int:
    """Microseconds from 00:00 UTC, give or take a day; a time without an offset is in UTC."""
    offset = at.utcoffset()
    seconds = (at.hour * 60 + at.minute) * 60 + at.second - (int(offset.total_seconds()) if offset else 0)
    return seconds * SECOND_US + at.microsecond
