"""LiteLLM's price file (``model_prices_and_context_window.json``) as a source of cards, for who imports it.

It is the last link of the chain, for models that the catalogue does not know. It has no dates: a price is
valid since ever, until the next import. What it cannot mean is not guessed: a row with a price of a wrong
type, below zero or above any price there is does not price, and is listed in ``problems``; a model whose
prices are all 0 is not free but unknown, unless its name ends in ``:free``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, cast

import orjson

from pricing.bounds import ModelLimits
from pricing.errors import InvalidPriceData
from pricing.modes import Mode
from pricing.money import DIGITS_MAX, NANO
from pricing.overlay import WIDER
from pricing.rates import REQUEST, Card, Tier

SOURCE: Final = "litellm"
RATES: Final[Mapping[str, tuple[str, int]]] = {
    "input_cost_per_token": ("uncached", 1),
    "cache_read_input_token_cost": ("cache_read", 1),
    "cache_creation_input_token_cost": ("cache_write_5m", 1),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h", 1),
    "input_cost_per_audio_token": ("audio_in", 1),
    "cache_read_input_audio_token_cost": ("audio_cache_read", 1),
    "input_cost_per_image_token": ("image_in", 1),
    "input_cost_per_video_token": ("video_in", 1),
    "output_cost_per_token": ("completion", 1),
    "output_cost_per_reasoning_token": ("reasoning", 1),
    "output_cost_per_audio_token": ("audio_out", 1),
    "output_cost_per_image_token": ("image_out", 1),
    "output_cost_per_video_token": ("video_out", 1),
    "ocr_cost_per_page": ("pages", 1),
    "input_cost_per_second": ("milliseconds", 1000),
    "input_cost_per_character": ("characters", 1),
    "input_cost_per_query": (REQUEST, 1),
    "input_cost_per_request": (REQUEST, 1),
}
"""The file's words for our counts: (unit, how many of ours are one of theirs)."""
PROVIDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "google": ("gemini", "vertex_ai-language-models", "vertex_ai"),
    "google-gla": ("gemini",),
    "google-vertex": ("vertex_ai-language-models", "vertex_ai", "vertex_ai-anthropic_models"),
    "aws": ("bedrock_converse", "bedrock"),
    "bedrock": ("bedrock_converse", "bedrock"),
    "azure": ("azure", "azure_ai"),
    "x-ai": ("xai",),
    "together": ("together_ai",),
    "fireworks": ("fireworks_ai",),
}
"""Other names of providers in the file; the rest are called there as they are here."""
_MODES: Final = {"batches": Mode.BATCH, "flex": Mode.FLEX, "priority": Mode.PRIORITY, "fast": Mode.FAST}
_FIELD: Final = re.compile(
    rf"({'|'.join(sorted(RATES, key=len, reverse=True))})(?:_above_(\d+)k_tokens)?(?:_({'|'.join(_MODES)}))?"
)
_PRICE_MAX: Final = 1000
"""USD for one of anything: more is a mistake, such as a price per million in a field per token."""
_NAMES_MAX: Final = 8192
_Rates = dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class Problem:
    """A row or a field of a file that was not taken, and why."""

    model: str
    field: str | None
    message: str


class LiteLLMPrices:
    """A ``RateSource`` over one version of the file."""

    def __init__(self, rows: Mapping[str, Mapping[str, Any]], content: bytes, version: str) -> None:
        self.version = version
        self.content = content
        self.content_hash = sha256(content).hexdigest()
        self.rows = rows
        self._cards: dict[str, Card | None] = {}
        self._named = lru_cache(maxsize=_NAMES_MAX)(self._find_name)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the file, row by row."""
        found: list[Problem] = []
        for name, row in self.rows.items():
            found += _read(name, row)[1]
        return found

    @property
    def names(self) -> list[str]:
        """Every model of the file, as it calls them."""
        return list(self.rows)

    def cards(self) -> Iterator[tuple[str, Card]]:
        """Every model that the file prices, as it calls it."""
        for name in self.rows:
            card = self._card(name)
            if card is not None:
                yield name, card

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:  # noqa: ARG002 - no dates
        """The card of a model, or None where the file does not price it."""
        name = self._named(provider, model_id)
        return None if name is None else self._card(name)

    def limits(self, provider: str | None, model_id: str) -> ModelLimits | None:
        """How long a model's answers and contexts can be, where the file says."""
        name = self._named(provider, model_id)
        if name is None:
            return None
        row = self.rows[name]
        output, context = _count(row.get("max_output_tokens")), _count(row.get("max_input_tokens"))
        return None if output is None and context is None else ModelLimits(output, context)

    def _find_name(self, provider: str | None, model_id: str) -> str | None:
        model = model_id.lower()
        if provider is None:
            return model if model in self.rows else None
        called = provider.lower()
        for theirs in PROVIDERS.get(called, (called,)):
            for name in (f"{theirs}/{model}", model):
                row = self.rows.get(name)
                if row is not None and row.get("litellm_provider") == theirs:
                    return name
        return None

    def _card(self, name: str) -> Card | None:
        if name not in self._cards:
            self._cards[name] = self._compile(name)
        return self._cards[name]

    def _compile(self, name: str) -> Card | None:
        rates, _ = _read(name, self.rows[name])
        cards: dict[Mode, Card] = {}
        standard = rates.get(Mode.STANDARD, {})
        priced = any(rate for tier in standard.values() for rate in tier.values())
        if not priced and not (standard and name.endswith(":free")):
            return None
        for mode, changed in rates.items():
            starts = tuple(sorted({*standard, *changed} - {0}))
            tiers = tuple(Tier.of(_filled(standard, changed, start)) for start in (0, *starts))
            cards[mode] = Card(
                key=name if "/" in name else f"{self.rows[name].get('litellm_provider', SOURCE)}/{name}",
                currency="USD",
                source=SOURCE,
                version=self.version,
                content_hash=self.content_hash,
                valid_from=None,
                starts=starts,
                tiers=tiers,
                modes=cards if mode is Mode.STANDARD else {},
                mode=mode,
            )
        return cards.pop(Mode.STANDARD)


def read_litellm(content: bytes, version: str = "") -> LiteLLMPrices:
    """The file's content as a source. Raises ``InvalidPriceData`` for what is not such a file."""
    try:
        data: Any = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise InvalidPriceData(f"the price file is not JSON: {error}"[:200]) from error
    if not isinstance(data, dict):
        raise InvalidPriceData("the price file must be an object of models")
    named = cast("dict[str, Any]", data)
    rows = {
        name.lower(): cast("dict[str, Any]", row)
        for name, row in named.items()
        if isinstance(row, dict) and name != "sample_spec"
    }
    if not any(field in RATES for row in rows.values() for field in row):
        raise InvalidPriceData("the price file has no row with a price")
    return LiteLLMPrices(rows, content, version)


def row_text(row: Mapping[str, Any]) -> str:
    """A row as JSON, digit by digit; equal rows are equal texts. Raises ``InvalidPriceData``."""
    try:
        return orjson.dumps(row, default=_digits, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as error:
        raise InvalidPriceData(f"a row of the price file cannot be kept: {error}"[:200]) from error


def file_of(rows: Mapping[str, str]) -> bytes:
    """A file of rows that are JSON already."""
    return orjson.dumps(
        {name: orjson.Fragment(row) for name, row in rows.items()}, option=orjson.OPT_SORT_KEYS
    )


def _digits(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"{value!r} is not of JSON")


def _read(name: str, row: Mapping[str, Any]) -> tuple[dict[Mode, dict[int, _Rates]], list[Problem]]:
    """A row's rates by mode and threshold in nano-units, and what is wrong; a bad row prices nothing."""
    rates: dict[Mode, dict[int, _Rates]] = {}
    problems: list[Problem] = []

    def take(field: str, price: Any, unit: str, per: int, mode: Mode, start: int) -> None:
        fault = _fault(price)
        if fault is not None:
            problems.append(Problem(name, field, fault))
        else:
            rates.setdefault(mode, {}).setdefault(start, {})[unit] = Fraction(price) * NANO / per

    for field, price in row.items():
        found = _FIELD.fullmatch(field)
        if found is not None and price is not None:
            base, thousands, mode = found.groups()
            start = int(thousands) * 1000 if thousands else 0
            take(field, price, *RATES[base], _MODES.get(mode, Mode.STANDARD), start)
    searches = row.get("search_context_cost_per_query")
    if isinstance(searches, dict):
        medium = cast("dict[str, Any]", searches).get("search_context_size_medium")
        if medium is not None:
            take("search_context_cost_per_query", medium, "web_searches", 1, Mode.STANDARD, 0)
    for step in _steps(row):
        start = _count(step["range"][0]) or 0
        for field in RATES.keys() & step.keys():
            take(f"tiered_pricing.{field}", step[field], *RATES[field], Mode.STANDARD, start)
    return ({} if problems else rates), problems


def _fault(price: Any) -> str | None:
    """What is wrong with a price."""
    if isinstance(price, bool) or not isinstance(price, int | Decimal):
        return f"{price!r} is not a number"
    if not 0 <= price <= _PRICE_MAX:
        return f"{price} must be 0 to {_PRICE_MAX} USD"
    if isinstance(price, Decimal) and price and price.adjusted() < -DIGITS_MAX:
        return f"{price} has more than {DIGITS_MAX} decimal places"
    return None


def _steps(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    steps = row.get("tiered_pricing")
    if not isinstance(steps, list):
        return []
    return [
        step
        for step in cast("list[Any]", steps)
        if isinstance(step, dict) and isinstance(cast("dict[str, Any]", step).get("range"), list)
    ]


def _filled(standard: Mapping[int, _Rates], changed: Mapping[int, _Rates], start: int) -> _Rates:
    """The rates of a tier: those of lower tiers hold on, those of a mode come over the standard ones."""
    rates: _Rates = {}
    for layer in (standard, changed):
        for threshold in sorted(layer):
            if threshold <= start:
                rates |= layer[threshold]
    for narrow, wide in WIDER.items():
        if narrow not in rates and wide in rates:
            rates[narrow] = rates[wide]
    return rates


def _count(value: Any) -> int | None:
    """A count that may be written as a text or a float; None for what is none."""
    try:
        return int(value) if value is not None and int(value) > 0 else None
    except (TypeError, ValueError):
        return None
