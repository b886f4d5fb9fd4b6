"""A provider's prices as a JSON file of a shape that we state: for OpenAI, Anthropic, all who have no API.

Whoever keeps the file writes down what the provider's page says, with the date from which it holds: an object
with ``format``, ``provider``, ``models``, each with ``model``, ``valid_from``, ``lines`` of ``unit`` and
``price`` (docs/pricing.md shows one). ``mode``, ``currency``, ``version``, ``per`` (1), ``steps``,
``semantics``, ``basis`` and the maxima may be left out. A key that is none of these is an error that names
it, as is everything that cannot be: nothing of such a file is taken.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, cast

from pricing.calendar import from_datetime
from pricing.cards import UNITS, RateCard, RateLine
from pricing.errors import InvalidPriceData, PricingError
from pricing.modes import Mode
from pricing.money import parse_decimal
from pricing.steps import Basis, Semantics

FORMAT: Final = "costgraph-price-list/1"
SOURCE: Final = "price_list"
_DOCUMENT: Final = frozenset({"format", "provider", "version", "currency", "models"})
_MODEL: Final = frozenset({"model", "valid_from", "mode", "max_input_tokens", "max_output_tokens", "lines"})
_LINE: Final = frozenset({"unit", "price", "per", "steps", "semantics", "basis"})
_STEP: Final = frozenset({"above", "price"})
_NAME_LENGTH_MAX: Final = 160
_COUNT_MAX: Final = 10**12


def read_price_list(content: bytes) -> tuple[str, tuple[RateCard, ...]]:
    """The version and the cards of a file. Raises ``InvalidPriceData``, with the place at fault."""
    try:
        data: Any = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise InvalidPriceData(f"the price list is not JSON: {error}"[:200]) from error
    document = _object(data, _DOCUMENT, "the price list")
    if document.get("format") != FORMAT:
        raise InvalidPriceData(f"the price list is {document.get('format')!r}, not {FORMAT!r}"[:200])
    provider = _text(document, "provider", "the price list").lower()
    currency = _text(document, "currency", "the price list", "USD")
    cards: dict[str, RateCard] = {}
    for number, each in enumerate(_list(document.get("models"), "models")):
        place = f"models[{number}]"
        try:
            card = _card(_object(each, _MODEL, place), place, provider, currency)
        except InvalidPriceData:
            raise
        except PricingError as error:
            raise InvalidPriceData(f"{place}: {error.message}"[:300]) from error
        if cards.setdefault(card.card_id, card) is not card:
            raise InvalidPriceData(f"{place}: {card.model} has two prices from one day on"[:300])
    if not cards:
        raise InvalidPriceData("the price list has no models")
    return _text(document, "version", "the price list", "")[:64], tuple(cards.values())


def card_id_of(provider: str | None, model: str, mode: Mode | None, valid_from_us: int) -> str:
    """What a source calls one dated price of a model."""
    return f"{provider or '*'}/{model}/{mode or '*'}/{valid_from_us}"


def _card(said: Mapping[str, Any], place: str, provider: str, currency: str) -> RateCard:
    model = _text(said, "model", place)
    mode = Mode.of(_text(said, "mode", place, "standard"))
    from_us = _instant(_text(said, "valid_from", place), place)
    lines = _list(said.get("lines"), f"{place}.lines")
    return RateCard(
        card_id_of(provider, model, mode, from_us),
        provider,
        model,
        tuple(_line(each, f"{place}.lines[{number}]") for number, each in enumerate(lines)),
        SOURCE,
        currency=currency,
        mode=mode,
        valid_from_us=from_us,
        max_input_tokens=_count(said, "max_input_tokens", place, None),
        max_output_tokens=_count(said, "max_output_tokens", place, None),
    )


def _line(value: Any, place: str) -> RateLine:
    said = _object(value, _LINE, place)
    unit = _text(said, "unit", place)
    if unit not in UNITS:
        raise InvalidPriceData(f"{place}: {unit!r} is no unit"[:200])
    steps = [
        _object(each, _STEP, f"{place}.steps[{number}]")
        for number, each in enumerate(_list(said.get("steps", []), f"{place}.steps"))
    ]
    try:
        semantics = Semantics(_text(said, "semantics", place, Semantics.GRADUATED))
        basis = Basis(_text(said, "basis", place, Basis.CALL))
    except ValueError as error:
        raise InvalidPriceData(f"{place}: {error}"[:200]) from error
    return RateLine(
        unit,
        _number(said, place),
        _count(said, "per", place, 1) or 1,
        tuple((_count(each, "above", place, None) or 0, _number(each, place)) for each in steps),
        semantics,
        basis,
    )


def _object(value: Any, known: frozenset[str], place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidPriceData(f"{place} is not an object")
    found = cast("dict[str, Any]", value)
    unknown = sorted(found.keys() - known)
    if unknown:
        raise InvalidPriceData(f"{place} has {unknown[0]!r}, which is not a key of it"[:200])
    return found


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidPriceData(f"{place} is not a list")
    return cast("list[Any]", value)


def _text(said: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
    value = said.get(key, default)
    fits = isinstance(value, str) and len(value) <= _NAME_LENGTH_MAX and value.isprintable()
    if not fits or (not value and value != default):
        raise InvalidPriceData(f"{place}.{key} is not a text of at most {_NAME_LENGTH_MAX} characters")
    return value


def _number(said: Mapping[str, Any], place: str) -> Decimal:
    """A price: a text, or a number, which is read digit by digit."""
    value = said.get("price")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidPriceData(f"{place}.price is not a number")
    return parse_decimal(str(value), f"{place}.price")


def _count(said: Mapping[str, Any], key: str, place: str, default: int | None) -> int | None:
    value = said.get(key, default)
    if value is default:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _COUNT_MAX:
        raise InvalidPriceData(f"{place}.{key} is not a whole number from 1 to 10^12")
    return value


def _instant(text: str, place: str) -> int:
    """A date, which begins in UTC, or an instant with its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidPriceData(f"{place}.valid_from {text[:30]!r} is no date") from error
    if moment.tzinfo is None and len(text) == len("2026-11-01"):
        moment = moment.replace(tzinfo=UTC)
    return from_datetime(moment, f"{place}.valid_from")
