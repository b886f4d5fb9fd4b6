"""Amazon Bedrock's prices from AWS's price list, in the format of its offer files (``offers/v1.0/aws/…``).

An offer file has products (a model's input tokens in one region, say) and, apart from them, terms with the
price of each. Prices differ by region, and AWS names models as people do ("Nova Pro"): the reader takes one
region, and the ids that each name stands for. On-demand and batch prices by token are read; what is priced by
the hour (provisioned throughput, custom models) is no price of a call, and is counted as left out.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, cast

from pricing.calendar import from_datetime
from pricing.cards import RateCard, RateLine
from pricing.errors import InvalidPriceData, PricingError
from pricing.modes import Mode
from pricing.money import parse_decimal

OFFER_CODE: Final = "AmazonBedrock"
SOURCE: Final = "aws_offer"
_PER: Final = re.compile(r"(?:(\d+)([km])?\s*)?(token|image|search|page|request)s?", re.IGNORECASE)
_SCALE: Final = {None: 1, "k": 1000, "m": 10**6}
_KINDS: Final = (
    (re.compile(r"cache.*read|read.*cache"), "cache_read"),
    (re.compile(r"cache.*write.*1\s?h|write.*1\s?h.*cache"), "cache_write_1h"),
    (re.compile(r"cache.*write|write.*cache"), "cache_write_5m"),
    (re.compile(r"(audio|speech).*input|input.*(audio|speech)"), "audio_in"),
    (re.compile(r"(audio|speech).*output|output.*(audio|speech)"), "audio_out"),
    (re.compile(r"input.*token|token.*input"), "uncached"),
    (re.compile(r"output.*token|token.*output"), "completion"),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What was read of a file for one region."""

    version: str
    region: str
    cards: tuple[RateCard, ...]
    unknown_models: frozenset[str]
    """Names that stand for no id, whose prices were left out."""
    left_out: int
    """Products of the region that are not priced by call."""


def regions_of(content: bytes) -> list[str]:
    """The regions that a file has prices for. Raises ``InvalidPriceData``."""
    products = _objects(_load(content), "products")
    codes = {str(_object(product.get("attributes")).get("regionCode", "")) for product in products.values()}
    return sorted(codes - {""})


def read_offer(content: bytes, region: str, model_ids: Mapping[str, str]) -> Offer:
    """The cards of a region; ``model_ids`` has the id (or pattern) that a name stands for.

    Raises ``InvalidPriceData`` for what is no offer of Bedrock, and for a price that cannot be.
    """
    offer = _load(content)
    terms = _object(_object(offer.get("terms")).get("OnDemand"))
    content_hash, version = sha256(content).hexdigest(), str(offer.get("version", ""))
    lines: dict[tuple[str, Mode, int], dict[str, RateLine]] = defaultdict(dict)
    unknown: set[str] = set()
    left_out = 0
    for sku, product in _objects(offer, "products").items():
        attributes = _object(product.get("attributes"))
        if attributes.get("regionCode") != region:
            continue
        unit, mode = _unit_of(attributes), _mode_of(attributes)
        name = str(attributes.get("model") or attributes.get("titanModel") or "")
        found = _line(sku, unit, terms) if unit is not None and name else None
        if found is None:
            left_out += 1
        elif name not in model_ids:
            unknown.add(name)
        else:
            from_us, line = found
            lines[model_ids[name], mode, from_us][line.unit] = line
    cards = tuple(
        RateCard(
            f"{SOURCE}/{region}/{model}/{mode}/{from_us}",
            "aws",
            model,
            tuple(units.values()),
            SOURCE,
            mode=mode,
            valid_from_us=from_us,
            version=version,
            content_hash=content_hash,
        )
        for (model, mode, from_us), units in sorted(lines.items())
    )
    return Offer(version, region, cards, frozenset(unknown), left_out)


def _load(content: bytes) -> dict[str, Any]:
    try:
        offer: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidPriceData(f"the offer is not JSON: {error}"[:200]) from error
    code = _object(offer).get("offerCode")
    if code != OFFER_CODE:
        raise InvalidPriceData(f"the offer is of {code!r}, not of {OFFER_CODE}"[:200])
    return _object(offer)


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidPriceData(f"the offer has {type(value).__name__} where an object must be")
    return cast("dict[str, Any]", value)


def _objects(offer: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    found = _object(offer.get(name))
    if not found:
        raise InvalidPriceData(f"the offer has no {name}")
    return {key: _object(value) for key, value in found.items()}


def _unit_of(attributes: Mapping[str, Any]) -> str | None:
    told = f"{attributes.get('inferenceType', '')} {attributes.get('usagetype', '')}".lower().replace(
        "-", " "
    )
    if "provisioned" in told or "customization" in told:
        return None
    return next((unit for pattern, unit in _KINDS if pattern.search(told)), None)


def _mode_of(attributes: Mapping[str, Any]) -> Mode:
    told = " ".join(
        str(attributes.get(name, "")) for name in ("feature", "inferenceType", "usagetype")
    ).lower()
    words = {"batch": Mode.BATCH, "flex": Mode.FLEX, "priority": Mode.PRIORITY, "latency": Mode.FAST}
    return next((mode for word, mode in words.items() if word in told), Mode.STANDARD)


def _line(sku: str, unit: str | None, terms: Mapping[str, Any]) -> tuple[int, RateLine] | None:
    """The latest on-demand price of a product, with its date; None where it is not priced by call."""
    latest: tuple[int, list[dict[str, Any]]] | None = None
    for term in _object(terms.get(sku)).values():
        told = _object(term)
        from_us = _instant(str(told.get("effectiveDate", "")))
        dimensions = [_object(each) for each in _object(told.get("priceDimensions")).values()]
        if dimensions and (latest is None or from_us > latest[0]):
            latest = from_us, dimensions
    if latest is None or unit is None:
        return None
    dimensions = sorted(latest[1], key=lambda each: _number(each.get("beginRange", "0")))
    per = _PER.fullmatch(str(dimensions[0].get("unit", "")))
    if per is None:
        return None
    count = int(per[1] or 1) * _SCALE[per[2].lower() if per[2] else None]
    prices = [_price(sku, each) for each in dimensions]
    steps = tuple(
        (int(_number(each["beginRange"]) * count), price)
        for each, price in zip(dimensions[1:], prices[1:], strict=True)
    )
    try:
        return latest[0], RateLine(unit, prices[0], count, steps)
    except PricingError as error:
        raise InvalidPriceData(f"{sku}: {error}") from error


def _price(sku: str, dimension: Mapping[str, Any]) -> Decimal:
    price = _object(dimension.get("pricePerUnit")).get("USD")
    if not isinstance(price, str):
        raise InvalidPriceData(f"{sku} has no price in USD")
    return _number(price)


def _number(text: Any) -> Decimal:
    try:
        return parse_decimal(str(text), "price")
    except PricingError as error:
        raise InvalidPriceData(str(error)) from error


def _instant(text: str) -> int:
    try:
        return from_datetime(datetime.fromisoformat(text))
    except (ValueError, PricingError) as error:
        raise InvalidPriceData(f"effectiveDate {text[:30]!r} is no instant") from error
