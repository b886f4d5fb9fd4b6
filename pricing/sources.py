"""Price sources: where an organisation's prices come from by themselves, and what a document of one says.

A source is one provider family's: LiteLLM's file, AWS's offer file for Bedrock, a price list of the shape
that ``pricing.price_list`` states (OpenAI and Anthropic publish no price API), or the installed catalogue;
or a table of exchange rates.
Its document is read as a whole or not at all, into what is offered for each model (or pair of
currencies and day), which ``ledger.refresh`` compares with what holds.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from typing import Final, NamedTuple

from pricing.aws_offer import read_offer
from pricing.calendar import day_date
from pricing.cards import RateCard
from pricing.currency import ExchangeRate
from pricing.errors import InvalidPriceData, InvalidPriceSource
from pricing.litellm import LiteLLMPrices, read_litellm, row_text
from pricing.price_list import card_id_of, read_price_list
from pricing.prices import FEED
from pricing.rate_table import read_table
from pricing.review import FACTOR

CATALOGUE_LOCATION: Final = "catalogue:"
FILE_SCHEME: Final = "file:"
PRICE_MAX: Final = 1000
"""Of one of anything, in any currency: more is a mistake, such as a price per million given per token."""
EVERY_SECONDS: Final = 86_400
EVERY_SECONDS_MIN, EVERY_SECONDS_MAX = 60, 31 * 86_400
TIMEOUT_SECONDS: Final = 20
TIMEOUT_SECONDS_MAX: Final = 60
JUMP_FACTOR_MAX: Final = 1_000
LOCATION_LENGTH_MAX: Final = 2_048
MODEL_IDS_MAX: Final = 1_000
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class SourceKind(StrEnum):
    """What reads a source's document."""

    LITELLM = "LITELLM"
    """LiteLLM's model_prices_and_context_window.json: the last link of the chain."""
    AWS_BEDROCK = "AWS_BEDROCK"
    """AWS's price list offer file of AmazonBedrock, for one region."""
    PRICE_LIST = "PRICE_LIST"
    """A JSON file of the shape costgraph-price-list/1."""
    CATALOGUE = "CATALOGUE"
    """The installed genai-prices package, for one provider."""
    ECB = "ECB"
    """Exchange rates: the European Central Bank's CSV, plain or zipped."""


@dataclass(frozen=True, slots=True)
class PriceSource:
    """A source as an admin sets it up. Raises ``InvalidPriceSource`` for what cannot be."""

    source_id: str
    kind: SourceKind
    location: str
    """``https://…``; ``file:NAME`` in the server's folder of price files; ``catalogue:``."""
    provider: str | None = None
    """Whose prices: needed of the catalogue; a price list must be of this provider, where it is given."""
    region: str | None = None
    """AWS's region."""
    model_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    """AWS names models as people do: the id or pattern that each name stands for."""
    every_seconds: int | None = EVERY_SECONDS
    """None: on demand only."""
    timeout_seconds: int = TIMEOUT_SECONDS
    jump_factor: Decimal = Decimal(int(FACTOR))

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.source_id):
            raise InvalidPriceSource("source_id has 1 to 64 letters, digits, dots, - and _", "source_id")
        self._check_location()
        if self.kind is SourceKind.AWS_BEDROCK and not (self.region and self.model_ids):
            text = "AWS's prices differ by region and name no model ids: give the region and model_ids"
            raise InvalidPriceSource(text, "model_ids" if self.region else "region")
        if len(self.model_ids) > MODEL_IDS_MAX:
            raise InvalidPriceSource(f"at most {MODEL_IDS_MAX} model_ids", "model_ids")
        texts = (self.provider or "", self.region or "", *self.model_ids, *self.model_ids.values())
        if any(len(text) > 160 or not text.isprintable() for text in texts):  # noqa: PLR2004 - as a model's name
            raise InvalidPriceSource("names have at most 160 printable characters", "model_ids")
        every = self.every_seconds
        if every is not None and not EVERY_SECONDS_MIN <= every <= EVERY_SECONDS_MAX:
            text = f"every_seconds ({every}) must be {EVERY_SECONDS_MIN} to {EVERY_SECONDS_MAX}"
            raise InvalidPriceSource(text, "every_seconds")
        if not 1 <= self.timeout_seconds <= TIMEOUT_SECONDS_MAX:
            text = f"timeout_seconds ({self.timeout_seconds}) must be 1 to {TIMEOUT_SECONDS_MAX}"
            raise InvalidPriceSource(text, "timeout_seconds")
        if not 1 < self.jump_factor <= JUMP_FACTOR_MAX:
            text = f"jump_factor ({self.jump_factor}) must be above 1 and at most {JUMP_FACTOR_MAX}"
            raise InvalidPriceSource(text, "jump_factor")

    def _check_location(self) -> None:
        if len(self.location) > LOCATION_LENGTH_MAX or not self.location.isprintable():
            raise InvalidPriceSource(f"location has at most {LOCATION_LENGTH_MAX} characters", "location")
        if self.kind is SourceKind.CATALOGUE:
            if self.location != CATALOGUE_LOCATION:
                raise InvalidPriceSource(f"the catalogue's location is {CATALOGUE_LOCATION}", "location")
            if not self.provider:
                raise InvalidPriceSource("the catalogue is read for one provider: name it", "provider")
        elif self.file_name is not None:
            if not _FILE_NAME.fullmatch(self.file_name):
                text = f"{FILE_SCHEME} is followed by the name of a file, without a folder"
                raise InvalidPriceSource(text, "location")
        elif "://" not in self.location:
            raise InvalidPriceSource(
                f"location is a URL, {FILE_SCHEME}NAME or {CATALOGUE_LOCATION}", "location"
            )

    @property
    def file_name(self) -> str | None:
        """The file that it is read from; None where it is none."""
        return self.location[len(FILE_SCHEME) :] if self.location.startswith(FILE_SCHEME) else None

    @property
    def url(self) -> str | None:
        """The URL that it is read from; None where it is none."""
        return self.location if "://" in self.location else None

    @property
    def factor(self) -> Fraction:
        """The change of a price that is too much to be taken without asking."""
        return Fraction(self.jump_factor)


class Offered(NamedTuple):
    """What a document says about one model."""

    key: str
    """``provider/model``; the name of a row of LiteLLM's file; ``EUR/USD 2026-11-20`` of a rate."""
    cards: tuple[RateCard, ...] = ()
    row: str = ""
    """Of LiteLLM's file, as JSON."""
    rate: ExchangeRate | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for equal prices, whatever document they come in."""
        rate = "" if self.rate is None else repr(self.rate)
        return sha256(f"{self.cards!r}{self.row}{rate}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a document."""

    version: str
    content_hash: str
    """SHA-256 of the document, in hex."""
    offers: Mapping[str, Offered]
    file: LiteLLMPrices | None = None
    """LiteLLM's file, which holds as a whole."""
    left_out: int = 0
    """Prices of the document that nobody asked for, or that cannot be read; rates of days long ago."""


def read_source(source: PriceSource, content: bytes) -> Reading:
    """Read a document as its source says. Raises ``InvalidPriceData``."""
    match source.kind:
        case SourceKind.LITELLM:
            file = read_litellm(content)
            offers = {name: Offered(name, row=row_text(file.rows[name])) for name, _ in file.cards()}
            return Reading("", file.content_hash, offers, file, len({each.model for each in file.problems}))
        case SourceKind.AWS_BEDROCK:
            offer = read_offer(content, source.region or "", source.model_ids)
            if not offer.cards:
                raise InvalidPriceData(f"the offer has no price of these models in {source.region}"[:200])
            left_out = offer.left_out + len(offer.unknown_models)
            return reading_of(source, offer.version, sha256(content).hexdigest(), offer.cards, left_out)
        case SourceKind.PRICE_LIST:
            version, cards = read_price_list(content)
            if source.provider is not None and cards[0].provider != source.provider.lower():
                text = f"the price list is of {cards[0].provider}, not of {source.provider}"
                raise InvalidPriceData(text[:200])
            return reading_of(source, version, sha256(content).hexdigest(), cards)
        case SourceKind.CATALOGUE:
            raise InvalidPriceData("the catalogue has no document")
        case SourceKind.ECB:
            rates, left_out = read_table(content, source.source_id)
            offered = (Offered(_pair_on(rate), rate=rate) for rate in rates)
            content_hash = sha256(content).hexdigest()
            return Reading("", content_hash, {each.key: each for each in offered}, left_out=left_out)


def reading_of(
    source: PriceSource, version: str, content_hash: str, cards: Iterable[RateCard], left_out: int = 0
) -> Reading:
    """The reading of some cards: under ids of their source's, without what changes with every document."""
    models: dict[str, list[RateCard]] = defaultdict(list)
    for card in cards:
        _check_prices(card)
        card_id = card_id_of(card.provider, card.model, card.mode, card.valid_from_us)
        own = replace(card, card_id=f"{source.source_id}/{card_id}", source=FEED, version="", content_hash="")
        models[key_of(card)].append(own)
    offers = {key: Offered(key, tuple(group)) for key, group in models.items()}
    return Reading(version, content_hash, offers, left_out=left_out)


def key_of(card: RateCard) -> str:
    """What the prices of one model go by."""
    return f"{card.provider or '*'}/{card.model}"


def _pair_on(rate: ExchangeRate) -> str:
    """What one rate of one day goes by."""
    return f"{rate.base}/{rate.quote} {day_date(rate.day)}"


def _check_prices(card: RateCard) -> None:
    for line in card.lines:
        for price in (line.price, *(price for _, price in line.steps)):
            if price is not None and price > PRICE_MAX * line.per:
                text = f"{card.model}: {price} for {line.per} {line.unit} is more than there can be"
                raise InvalidPriceData(text[:300])
